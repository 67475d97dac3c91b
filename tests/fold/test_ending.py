"""A fold that is called off, or whose processes are killed, ends and leaves nothing behind."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SECONDS = 120
pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc")


@pytest.fixture
def analysis(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """An analysis by two processes that takes many seconds, under way."""
    data = gzip.compress(b'{"request_id":"r","path":"/x"}\n' * 3_000_000, 1)
    names = []
    for number in range(2):
        path = tmp_path / f"{number}.log.gz"
        path.write_bytes(data)
        names.append(str(path))
    process = subprocess.Popen(
        [sys.executable, "-m", "perfectcv_traffic", "analyze", *names, "--jobs", "2"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until(lambda: len(reading(process)) == 2)
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def children(process: subprocess.Popen[str]) -> list[int]:
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return list(map(int, found.read_text().split()))


def reading(process: subprocess.Popen[str]) -> list[int]:
    """Its processes that have a log open."""
    found = []
    for child in children(process):
        try:
            opened = [str(one.readlink()) for one in Path(f"/proc/{child}/fd").iterdir()]
        except OSError:
            continue
        if any(name.endswith(".log.gz") for name in opened):
            found.append(child)
    return found


def are_gone(found: list[int]) -> bool:
    return not any(Path(f"/proc/{child}/exe").exists() for child in found)


def test_interrupted_analysis_ends_with_all_its_processes(
    analysis: subprocess.Popen[str],
) -> None:
    found = children(analysis)
    os.killpg(analysis.pid, signal.SIGINT)  # as a terminal does
    _, errors = analysis.communicate(timeout=SECONDS)
    assert analysis.returncode == 130
    assert errors.strip().endswith("perfectcv-traffic: interrupted")
    assert "Traceback" not in errors
    wait_until(lambda: are_gone(found))


def test_processes_end_when_the_one_that_hands_out_work_is_killed(
    analysis: subprocess.Popen[str],
) -> None:
    found = children(analysis)
    analysis.kill()
    analysis.communicate(timeout=SECONDS)
    wait_until(lambda: are_gone(found))


def test_killed_process_is_told_in_a_line(analysis: subprocess.Popen[str]) -> None:
    os.kill(reading(analysis)[0], signal.SIGKILL)
    _, errors = analysis.communicate(timeout=SECONDS)
    assert analysis.returncode == 3
    assert "a worker process was killed" in errors
    assert "Traceback" not in errors
