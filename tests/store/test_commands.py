from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from perfectcv_traffic.cli.app import main
from perfectcv_traffic.errors import ExitCode

Line = Callable[..., bytes]


@pytest.fixture
def filled(log: Path, db: Path, line: Line, capsys: pytest.CaptureFixture[str]) -> Path:
    log.write_bytes(b"".join(line(n) for n in range(20)) + b"junk\n")
    assert main(["ingest", str(log), "--db", str(db)]) == ExitCode.OK
    assert "20 new + 0 duplicate + 1 rejected + 0 blank = 21 lines" in capsys.readouterr().err
    return db


def test_strict_ingest_fails_for_a_rejected_line(log: Path, db: Path) -> None:
    log.write_bytes(b"junk\n")
    assert main(["ingest", str(log), "--db", str(db), "--strict"]) == ExitCode.STORAGE


def test_ingest_counts_as_json(log: Path, filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", str(log), "--db", str(filled), "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["lines"] == 0


@pytest.mark.parametrize(
    "options",
    [("--format", "morse"), ("--rotated", "some"), ("--poll", "0"), ("--model", "nothing")],
)
def test_option_that_cannot_be_used_is_a_usage_error(
    log: Path, db: Path, options: tuple[str, str]
) -> None:
    log.touch()
    assert main(["ingest", str(log), "--db", str(db), *options]) == ExitCode.USAGE


def test_explain_stores_nothing(
    log: Path, db: Path, line: Line, capsys: pytest.CaptureFixture[str]
) -> None:
    log.write_bytes(line(1) + b"junk\n\n" + line(2)[:30] + line(3))
    assert main(["ingest", str(log), "--db", str(db), "--explain", "4"]) == ExitCode.OK
    output = capsys.readouterr().out
    assert not db.exists()
    for expected in (
        "native format",
        "request_id = 'r1'",
        "rejected, json",
        "line 3: blank",
        "torn",
    ):
        assert expected in output


def test_status_and_retry_are_asked_for_in_place_of_a_log(
    filled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ingest", "status", "--db", str(filled), "--json"]) == ExitCode.OK
    shown = json.loads(capsys.readouterr().out)
    assert shown["logs"][0]["stored"] == 20
    assert shown["rejected_by_reason"] == {"json": 1}
    assert main(["ingest", "retry-rejected", "--db", str(filled)]) == ExitCode.OK
    assert "0 stored now, 1 still rejected" in capsys.readouterr().out


def test_doctor_exits_with_storage_error_when_something_is_wrong(filled: Path) -> None:
    assert main(["doctor", "--deep", "--db", str(filled)]) == ExitCode.OK
    with closing(sqlite3.connect(filled, isolation_level=None)) as connection:
        connection.execute("DELETE FROM summary_hours")
    assert main(["doctor", "--deep", "--db", str(filled)]) == ExitCode.STORAGE
    assert main(["doctor", "--rebuild-summary", "--db", str(filled)]) == ExitCode.OK
    assert main(["doctor", "--deep", "--db", str(filled)]) == ExitCode.OK


def test_backup_prune_and_merge_do_as_they_say(
    filled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy, merged = tmp_path / "copy.db", tmp_path / "merged.db"
    assert main(["backup", str(copy), "--db", str(filled)]) == ExitCode.OK
    assert main(["merge", str(filled), "--db", str(merged)]) == ExitCode.OK
    assert "20 new + 0 known" in capsys.readouterr().out
    assert main(["prune", "--keep-rows", "5", "--db", str(filled)]) == ExitCode.OK
    assert "15 requests deleted" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options", [(), ("--older-than", "soon"), ("--max-size", "big")], ids=["none", "age", "size"]
)
def test_prune_without_a_limit_is_a_usage_error(filled: Path, options: tuple[str, ...]) -> None:
    assert main(["prune", *options, "--db", str(filled)]) == ExitCode.USAGE


def test_prune_of_an_unknown_client_says_that_nothing_of_it_is_stored(
    filled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prune", "--client", "198.51.100.9", "--db", str(filled)]) == ExitCode.OK
    told = capsys.readouterr()
    assert told.out == f"{filled}: 0 requests deleted\n"
    assert told.err == "no request of client 198.51.100.9 is stored\n"


def test_prune_of_a_client_without_a_name_is_a_usage_error(filled: Path) -> None:
    assert main(["prune", "--client", "", "--db", str(filled)]) == ExitCode.USAGE


def test_merge_says_what_was_known_and_that_its_source_is_missing(
    filled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    merged = str(tmp_path / "merged.db")
    assert main(["merge", str(filled), str(filled), "--db", merged]) == ExitCode.OK
    assert "0 new + 20 known" in capsys.readouterr().out
    assert main(["merge", "nosuch.db", "--db", merged]) == ExitCode.STORAGE
    assert "database nosuch.db does not exist: name one that" in capsys.readouterr().err


@pytest.mark.parametrize("sql", ["DELETE FROM api_requests", "ATTACH 'x.db' AS x"])
def test_query_that_would_write_is_told_to_select(
    filled: Path, capsys: pytest.CaptureFixture[str], sql: str
) -> None:
    assert main(["query", sql, "--db", str(filled)]) == ExitCode.USAGE
    assert "query only reads: write a SELECT statement" in capsys.readouterr().err
