"""Whoever reads standard output may have enough of it: that is no finding (`| head`)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Program = Callable[..., subprocess.CompletedProcess[str]]

if sys.platform == "win32":
    pytest.skip("a pipe whose reader is gone, as Unix has it", allow_module_level=True)


def unread(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """The program run with a standard output that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        return subprocess.run(
            [sys.executable, "-m", "perfectcv_traffic", *arguments],
            cwd=cwd,
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
            timeout=120,
        )
    finally:
        os.close(writing)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--help",), 0),
        (("query", "--help"), 0),
        (("--version",), 0),
        (("analyze", "--list"), 0),
        (("ingest", "status"), 0),
        (("ingest", "status", "--json"), 0),
        (("ingest", "--explain", "1"), 0),
        (("prune", "--keep-rows", "1"), 0),
        (("doctor",), 0),
        (("backup", "copy.db"), 0),
        (("nothing",), 2),
        (("doctor", "--db", "absent.db"), 3),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, tuple) else None,
)
def test_nobody_who_reads_changes_no_exit_code(
    program: Program, tmp_path: Path, arguments: tuple[str, ...], code: int
) -> None:
    (tmp_path / "api_traffic.log").write_text('{"request_id": "1", "path": "/a"}\n', "utf-8")
    assert program("ingest").returncode == 0

    done = unread(*arguments, cwd=tmp_path)

    assert done.returncode == code, done.stderr
    assert b"roken pipe" not in done.stderr


@pytest.mark.parametrize(
    ("streams", "arguments", "code"),
    [
        (">&-", "doctor", 0),
        ("2>&-", "doctor --db absent.db", 3),
        ("<&- >&- 2>&-", "ingest other.log", 0),
        ("2>/dev/full", "ingest other.log", 0),
        ("2>/dev/full", "doctor --db absent.db", 3),
        (">/dev/full", "doctor", 3),
    ],
)
def test_stream_that_is_closed_or_full_changes_no_exit_code(
    program: Program, tmp_path: Path, streams: str, arguments: str, code: int
) -> None:
    if "/dev/full" in streams and not Path("/dev/full").exists():
        pytest.skip("a device that is always full, as Linux has it")
    for name in ("api_traffic.log", "other.log"):
        (tmp_path / name).write_text(f'{{"request_id": "{name}", "path": "/a"}}\n', "utf-8")
    assert program("ingest").returncode == 0

    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {streams}', "sh", sys.executable, "-m", "perfectcv_traffic",
         *arguments.split()],
        cwd=tmp_path, capture_output=True, check=False, timeout=120,
    )  # fmt: skip

    assert done.returncode == code, done.stderr
    if "other.log" in arguments:
        assert program("query", "SELECT count(*) n FROM api_requests").stdout == "n\n2\n"
