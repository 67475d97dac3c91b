"""`check` in a shell script, and against logs made for it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from perfectcv_traffic.record import TokenValidity, TrafficLog

Program = Callable[..., subprocess.CompletedProcess[str]]

PIPELINE = f"""\
set -e
traffic="{sys.executable} -m perfectcv_traffic"
$traffic run --app demo_api:app --requests 150
$traffic check --no-auth-findings --min-requests 100 --since 1h
echo deployed
"""
DEMO = "from perfectcv_traffic.demo.app import create_app\napp = create_app(flaws={flaws})\n"


def write_log(path: Path, *records: TrafficLog) -> None:
    path.write_bytes(b"".join(msgspec.json.encode(record) + b"\n" for record in records))


def request(number: int, **changes: object) -> TrafficLog:
    values: dict[str, object] = {
        "timestamp": f"2026-11-21T22:{number:02d}:00.000000Z",
        "method": "GET",
        "path": "/me",
        "route": "/me",
        "status_code": 200,
        "auth_required": True,
        "token_validity": TokenValidity.VALID,
        "response_time_ms": 10.0,
    }
    return msgspec.convert(
        {"request_id": str(number), "event_id": str(number), **values, **changes},
        TrafficLog,
        from_attributes=True,
    )


@pytest.mark.end_to_end
@pytest.mark.skipif(sys.platform == "win32", reason="the script is one for a POSIX shell")
@pytest.mark.parametrize("flaws", [True, False], ids=["flawed", "fixed"])
def test_script_stops_where_an_endpoint_answered_without_a_token(
    tmp_path: Path, flaws: bool
) -> None:
    (tmp_path / "demo_api.py").write_text(DEMO.format(flaws=flaws))
    clean = {name: value for name, value in os.environ.items() if "PERFECTCV" not in name}

    done = subprocess.run(
        ["sh", "-c", PIPELINE],
        cwd=tmp_path,
        env={**clean, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )

    assert done.returncode == int(flaws), done.stderr
    assert ("deployed" in done.stdout) is not flaws
    assert ("no-auth-findings: 1 finding: PT101 GET " in done.stdout) is flaws


def test_violated_threshold_is_a_line_and_exit_code_1(program: Program, tmp_path: Path) -> None:
    write_log(tmp_path / "a.log", request(1), request(2, status_code=500))

    done = program("check", "a.log", "--max-error-rate", "10%", "--max-p95", "1s")

    assert done.returncode == 1
    assert done.stdout == (
        "max-error-rate: 1 of 2 requests failed 5xx (50.00%); expected at most 10%\n"
    )
    assert done.stderr == ("3 rules checked (min-requests, max-error-rate, max-p95), 1 violated\n")


def test_all_that_holds_says_nothing(program: Program, tmp_path: Path) -> None:
    write_log(tmp_path / "a.log", request(1), request(2, status_code=500))

    done = program("check", "a.log", "--max-error-rate", "50%")

    assert (done.returncode, done.stdout) == (0, "")


def test_without_a_threshold_an_open_door_is_looked_for(program: Program, tmp_path: Path) -> None:
    write_log(tmp_path / "a.log", request(1), request(2, token_validity="absent"))

    done = program("check", "a.log", "--format", "json")

    assert done.returncode == 1
    rules = json.loads(done.stdout)["rules"]
    assert [rule["rule"] for rule in rules if not rule["holds"]] == ["no-auth-findings"]


def test_filters_choose_what_is_checked(program: Program, tmp_path: Path) -> None:
    write_log(tmp_path / "a.log", request(1, status_code=500), request(30))
    arguments = ("check", "a.log", "--max-error-rate", "0%")

    assert program(*arguments).returncode == 1
    assert program(*arguments, "--since", "2026-11-21T22:10").returncode == 0
    assert program(*arguments, "--status", "2xx").returncode == 0
    assert program(*arguments, "--path", "/other*").returncode == 1  # nothing proves nothing


@pytest.mark.parametrize(
    "arguments",
    [
        ("--format", "yaml"),
        ("--max-p95", "fast"),
        ("--since", "soon"),
        ("--status", "ok"),
        # A variable that is not set must not open the gate.
        ("--max-error-rate", ""),
        ("--max-p95", ""),
        ("--max-rate-of-null", ""),
    ],
    ids=" ".join,
)
def test_unusable_value_is_a_usage_error(program: Program, arguments: tuple[str, ...]) -> None:
    done = program("check", "nosuch.log", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("perfectcv-traffic: ")
