"""What the commands tell of a database without rows, and what they refuse to tell."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from perfectcv_traffic.cli.app import main
from perfectcv_traffic.errors import ExitCode
from perfectcv_traffic.record import TokenValidity, TrafficLog

Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of two hours."""
    lines = [
        msgspec.json.encode(
            TrafficLog(
                request_id=f"r{number}",
                event_id=f"5f1d7c3ab2e94d06{number:08x}",
                timestamp=f"2026-11-21T{10 + number // 40}:{number % 40:02}:00.000000Z",
                method="GET",
                path=f"/items/{number % 9}",
                route="/items/{id}",
                status_code=500 if number % 10 == 0 else 200,
                client_ip=f"10.0.0.{number % 5}",
                token_validity=list(TokenValidity)[number % 3],
                response_time_ms=number + 0.25,
            )
        )
        for number in range(80)
    ]
    path = tmp_path / "api_traffic.log"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """Exit code, standard output and standard error of a command."""

    def run(*words: str | Path) -> tuple[int, str, str]:
        code = main(list(map(str, words)))
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def db(tmp_path: Path, log: Path, said: Said) -> Path:
    path = tmp_path / "summary.db"
    assert said("ingest", log, "--summary-only", "--db", path)[0] == ExitCode.OK
    return path


def answers(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def test_analyses_of_a_summary_equal_those_of_the_log(log: Path, db: Path, said: Said) -> None:
    names = (
        "totals", "status_distribution", "traffic_over_time", "top_endpoints", "durations",
        "url_accesses", "token_validity", "rate_limits",
    )  # fmt: skip
    _, listed, _ = said("analyze", "--list")
    chosen = [word for name in names if name in listed for word in ("--only", name)]
    assert len(chosen) >= 12
    code, of_log, _ = said("analyze", log, "--json", "--no-charts", *chosen)
    assert code == ExitCode.OK
    code, of_summary, notes = said("analyze", "--db", db, "--json", "--no-charts", *chosen)
    assert code == ExitCode.OK
    assert answers(of_summary)["data"] == answers(of_log)["data"]
    assert "summary alone of 80 requests" in notes


def test_report_and_thresholds_of_a_summary(tmp_path: Path, db: Path, said: Said) -> None:
    assert said("report", "--db", db, "--output", tmp_path / "out")[0] == ExitCode.OK
    assert said("check", "--db", db, "--max-error-rate", "20%")[0] == ExitCode.OK
    assert said("check", "--db", db, "--max-error-rate", "5%")[0] == ExitCode.FINDINGS
    assert said("doctor", "--deep", "--db", db)[0] == ExitCode.OK


@pytest.mark.parametrize(
    "words",
    [
        ("analyze", "--no-charts", "--since", "2026-11-21T11:00"),
        ("export",),
        ("show", "r1"),
        ("check", "--no-findings"),
        ("doctor", "--rebuild-summary"),
    ],
)
def test_what_needs_requests_says_that_there_are_none(
    db: Path, said: Said, words: tuple[str, ...]
) -> None:
    code, _, error = said(*words, "--db", db)
    assert code == ExitCode.STORAGE
    assert f"database {db} keeps the summary alone of 80 requests" in error
    assert len(error.strip().splitlines()) == 1


def test_client_that_was_forgotten_is_in_no_table_of_the_merged_database(
    tmp_path: Path, db: Path, said: Said
) -> None:
    merged = tmp_path / "merged.db"
    assert said("merge", db, "--db", merged)[0] == ExitCode.OK
    assert b"10.0.0.3" in merged.read_bytes()
    assert said("prune", "--client", "10.0.0.3", "--db", merged)[0] == ExitCode.OK
    assert b"10.0.0.3" not in merged.read_bytes()
