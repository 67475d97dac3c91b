"""Ctrl-C and kill -9 in the middle of the main job: clean ends, and no process left behind."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to find processes"),
]

SERVING = re.compile(r"serving the demo API on http://127\.0\.0\.1:(\d+)")


def processes_naming(text: str) -> list[int]:
    """Ids of the processes that have `text` in their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text.encode() in entry.read_bytes():
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return found


def wait_until_gone(text: str, seconds: float = 15.0) -> list[int]:
    deadline = time.monotonic() + seconds
    while (left := processes_naming(text)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


@pytest.fixture(name="running")
def _running(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`run` with more requests than it can send, once the log has grown past its first lines."""
    log = tmp_path / "api_traffic.log"
    command = [sys.executable, "-m", "perfectcv_traffic", "run", "--requests", "100000"]
    with subprocess.Popen(
        [*command, "--log", str(log)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "80"},
    ) as process:
        try:
            deadline = time.monotonic() + 60
            while not (log.exists() and log.stat().st_size > 50_000):
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield process
        finally:
            process.kill()


def test_ctrl_c_ends_cleanly_with_what_was_done(
    running: subprocess.Popen[str], tmp_path: Path
) -> None:
    running.send_signal(signal.SIGINT)
    output, errors = running.communicate(timeout=60)

    assert running.returncode == 130
    assert "Traceback" not in errors
    assert errors.strip().splitlines()[-1] == "perfectcv-traffic: interrupted"
    assert re.search(r"interrupted after [\d,]+ of 100,?000 requests", errors)
    assert "Test traffic" in output
    stored = re.search(r"(\d+) new \+ 0 duplicate \+ 0 rejected \+ 0 blank = (\d+) lines", errors)
    assert stored is not None
    assert stored[1] == stored[2]
    assert int(stored[1]) == (tmp_path / "api_traffic.log").read_bytes().count(b"\n")
    assert wait_until_gone(str(tmp_path)) == []


def test_kill_9_leaves_no_server_behind(running: subprocess.Popen[str], tmp_path: Path) -> None:
    running.kill()
    running.communicate(timeout=60)

    assert wait_until_gone(str(tmp_path)) == []
