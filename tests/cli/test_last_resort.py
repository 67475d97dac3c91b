"""Nothing that a person can type ends in a traceback, and a defect is no finding."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from perfectcv_traffic.errors import ExitCode
from perfectcv_traffic.record import TrafficLog

Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(name="log", autouse=True)
def _log(tmp_path: Path) -> Path:
    """A log of one request that failed."""
    log = tmp_path / "api_traffic.log"
    record = TrafficLog(
        request_id="1", timestamp="2026-11-21T22:05:00.000000Z", path="/a", status_code=500,
        response_time_ms=5.0,
    )  # fmt: skip
    log.write_bytes(msgspec.json.encode(record) + b"\n")
    return log


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("generate", "--stages", "1.2.3@5"), 2),
        (("watch", "api_traffic.log", "--window", "9999999d", "--times", "1"), 0),
        (("check", "api_traffic.log", "--webhook", "http://[::1"), 2),
        (("ingest", "--openapi", "http://[::1"), 2),
        (("ingest", "--openapi", "http://a\tb"), 2),
        (("analyze", "api_traffic.log", "--no-charts", "--only", "totals",
          "--since", "1000-01-01", "--compare", "before"), 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_odd_argument_ends_in_an_answer_or_a_line(
    program: Program, arguments: tuple[str, ...], code: int
) -> None:
    done = program(*arguments)

    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stderr


@pytest.mark.parametrize("age", ["99999999d", "9" * 30 + "w"])
def test_nothing_is_older_than_time_itself(program: Program, age: str) -> None:
    program("ingest")

    assert "0 requests deleted" in program("prune", "--older-than", age).stdout


@pytest.mark.parametrize("option", ["--older-than", "--max-size"])
def test_number_of_thousands_of_digits_is_a_mistake(program: Program, option: str) -> None:
    program("ingest")
    done = program("prune", option, "9" * 5000)

    assert done.returncode == ExitCode.USAGE
    assert f"{option}=" in done.stderr


def test_state_of_alerts_that_is_damaged_is_told_once_too_often(
    program: Program, tmp_path: Path
) -> None:
    state = tmp_path / "api_traffic.log.alerts.json"
    address = "http://127.0.0.1:9/hook"
    check = ("check", "api_traffic.log", "--max-error-rate", "1%", "--webhook", address)
    for at in ("2026-11-21T22:05:00", "yesterday"):
        state.write_text(json.dumps({"ab" * 8: {"rules": [], "at": at}}))

        done = program(*check)

        assert done.returncode == ExitCode.FINDINGS
        assert "could not be told" in done.stderr


FAILS = """
import sys
from perfectcv_traffic.__main__ import main
from perfectcv_traffic.cli import ahead
from perfectcv_traffic.cli.commands import explain

def fails(arguments: str = "") -> None:
    raise RuntimeError("a \\x1b[31mcase\\nnobody thought of")

fails.__name__ = "explain"
{place} = fails
sys.argv = ["perfectcv-traffic", "explain"]
main()
"""


@pytest.mark.parametrize("place", ["explain.explain", "ahead.begun"])
@pytest.mark.parametrize("traceback", [False, True])
def test_defect_is_one_line_and_no_exit_code_of_a_result(place: str, *, traceback: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILS.replace("{place}", place)],
        env={**os.environ, "PERFECTCV_TRAFFIC_TRACEBACK": "1" if traceback else ""},
        capture_output=True, encoding="utf-8", check=False, timeout=120,
    )  # fmt: skip

    last = done.stderr.splitlines()[-1]
    assert done.returncode == ExitCode.DEFECT
    assert done.stdout == ""
    assert last.startswith("perfectcv-traffic: RuntimeError: a \\x1b[31mcase: this is a defect")
    assert "PERFECTCV_TRAFFIC_TRACEBACK=1" in last
    assert ("Traceback" in done.stderr) == traceback
    assert traceback or len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_before_there_is_a_command_is_a_line(tmp_path: Path) -> None:
    program = (
        "import signal; from perfectcv_traffic.cli import ahead\n"
        "ahead.set_up = lambda words: signal.raise_signal(signal.SIGINT)\n"
        "from perfectcv_traffic.__main__ import main; main()"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, "analyze"], cwd=tmp_path, capture_output=True, check=False
    )

    assert (done.returncode, done.stdout) == (130, b"")
    assert done.stderr == b"perfectcv-traffic: interrupted\n"


INTERRUPTED_IN_SQLITE = """
import signal, sqlite3, sys
from pathlib import Path
from perfectcv_traffic.__main__ import main
from perfectcv_traffic.cli import interrupts
from perfectcv_traffic.cli.commands import explain
from perfectcv_traffic.store.database import naming

def press():
    signal.raise_signal(signal.SIGINT)

def explained(arguments: str = "") -> None:
    connection = sqlite3.connect(":memory:")
    connection.create_function("press", 0, press)
    with interrupts.heard(), naming(Path("a.db")):
        connection.execute("SELECT press()")

explained.__name__ = "explain"
explain.explain = explained
sys.argv = ["perfectcv-traffic", "explain"]
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_within_a_function_of_sqlite_is_no_fault_of_the_database(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_IN_SQLITE], cwd=tmp_path, capture_output=True,
        check=False, timeout=120,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (130, b"")
    assert done.stderr == b"perfectcv-traffic: interrupted\n"
