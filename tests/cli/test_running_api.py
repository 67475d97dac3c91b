"""An API that runs, with an ingester of its own at the database, is tested as it stands."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from .conftest import COMMAND, environment

NOTES = """
from fastapi import FastAPI
from perfectcv_traffic import setup_monitoring

app = FastAPI()
setup_monitoring(app)


@app.get("/notes")
def read() -> None: ...
"""

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
        _until((tmp_path / "traffic_monitor.db.id").exists)
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


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[str]:
    """Address of an API that monitors itself; its own ingester has begun."""
    (tmp_path / "notes.py").write_text(NOTES, "utf-8")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        command = [sys.executable, "-m", "uvicorn", "notes:app", "--fd", str(listener.fileno())]
        with subprocess.Popen(
            command, cwd=tmp_path, env=environment(), pass_fds=[listener.fileno()]
        ) as server:
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            try:
                httpx.get(f"{address}/notes", timeout=SECONDS)
                _until((tmp_path / "traffic_monitor.db.id").exists)
                yield address
            finally:
                server.terminate()


@pytest.mark.skipif(sys.platform == "win32", reason="a socket is not handed over there")
@pytest.mark.parametrize("options", [(), ("--follow",)])
def test_ingest_beside_the_api_says_that_its_own_ingester_does_it(
    program: Program, notes: str, tmp_path: Path, options: tuple[str, ...]
) -> None:
    log = "api_traffic.log"
    _until(lambda: f"{log} (" in program("ingest", "status").stdout)

    done = program("ingest", *options)

    assert (done.returncode, done.stdout) == (5, "")
    assert f"log {log}: the API that records it has an ingester at work" in done.stderr
    assert "nothing is to be done" in done.stderr
    (tmp_path / "access.log").write_text("one line\n", "utf-8")
    assert "name another database with --db" in program("ingest", "access.log").stderr


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
