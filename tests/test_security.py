"""Threats that no other test covers, and that docs/security.md names tests that exist."""

from __future__ import annotations

import gzip
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from perfectcv_traffic.store import database

ROOT = Path(__file__).parent.parent
EXPANDED = 256 * 1024 * 1024
MOST_KILOBYTES = 150_000
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=sys.stderr)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory in kilobytes")
def test_compressed_log_that_expands_a_thousandfold_needs_little_memory(tmp_path: Path) -> None:
    log = tmp_path / "access.log.gz"
    with gzip.open(log, "wb", compresslevel=1) as file:
        for _ in range(EXPANDED // 1_048_576):
            file.write(b"x" * 1_048_576)
    command = ["-m", "perfectcv_traffic", "ingest", str(log), "--db", str(tmp_path / "t.db")]
    # A child counts the memory of the process that it was forked from: a small one starts it.
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, sys.executable, *command, "--format", "combined"],
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=300,
    )
    assert int(done.stdout) < MOST_KILOBYTES


def test_schema_of_a_database_is_not_trusted(tmp_path: Path) -> None:
    path = tmp_path / "traffic_monitor.db"
    with database.writing(path) as connection:
        assert connection.execute("PRAGMA trusted_schema").fetchone() == (0,)
        # What a stranger could leave behind: a view that calls a function with side effects.
        connection.create_function("has_side_effects", 0, lambda: 1)
        connection.execute("CREATE VIEW trap AS SELECT has_side_effects()")
    with database.reading(path) as connection:
        connection.create_function("has_side_effects", 0, lambda: 1)
        with pytest.raises(sqlite3.OperationalError, match="unsafe use"):
            connection.execute("SELECT * FROM trap")


def test_tests_that_the_threat_model_names_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs/security.md").read_text("utf-8")))
    code = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert named
    assert named <= set(re.findall(r"^def (test_\w+)", code, re.MULTILINE))
