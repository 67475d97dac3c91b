"""An API that runs, with an ingester of its own at the database, is tested as it stands."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from .conftest import COMMAND, environment

Program = Callable[..., subprocess.CompletedProcess[str]]

SECONDS = 60

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def recorded(demo: str, tmp_path: Path) -> Iterator[str]:
    """Address of the demo API, whose log another process stores."""
    httpx.get(f"{demo}/openapi.json")
    command = [*COMMAND, "ingest", "--follow", "--until-stdin-closes"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as ingester:
        end = time.monotonic() + SECONDS
        while not (tmp_path / "traffic_monitor.db.id").exists() and time.monotonic() < end:
            time.sleep(0.05)
        yield demo
        ingester.communicate()


def test_run_waits_for_the_ingester_that_is_at_work(program: Program, recorded: str) -> None:
    done = program("run", "--base-url", recorded, "--requests", "40")

    assert done.returncode == 0, done.stderr
    assert "the ingester of the API has stored what was recorded" in done.stderr
    assert done.stdout.splitlines()[-1].endswith("0 lost")


def test_reconciling_waits_for_the_ingester_that_is_at_work(
    program: Program, recorded: str
) -> None:
    done = program("generate", recorded, "--requests", "30", "--reconcile")

    assert "0 missing, 0 unexpected" in done.stdout, done.stderr


def test_ingester_of_another_log_is_named_as_the_obstacle(
    program: Program, recorded: str, tmp_path: Path
) -> None:
    (tmp_path / "access.log").write_text("one line\n", "utf-8")
    done = program("ingest", "access.log")

    assert (done.returncode, done.stdout) == (5, "")
    assert "being written by another ingester" in done.stderr
    assert "name another database with --db" in done.stderr
