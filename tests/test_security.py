"""Threats that no other test covers, and that docs/security.md names tests that exist."""

from __future__ import annotations

import gzip
import os
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


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of a process by wait4")
def test_compressed_log_that_expands_a_thousandfold_needs_little_memory(tmp_path: Path) -> None:
    log = tmp_path / "access.log.gz"
    with gzip.open(log, "wb", compresslevel=1) as file:
        for _ in range(EXPANDED // 1_048_576):
            file.write(b"x" * 1_048_576)
    command = ["-m", "perfectcv_traffic", "ingest", str(log), "--db", str(tmp_path / "t.db")]
    process = subprocess.Popen([sys.executable, *command, "--format", "combined"])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert used.ru_maxrss < MOST_KILOBYTES


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
