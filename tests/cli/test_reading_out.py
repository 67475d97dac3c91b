"""show, export and query: recorded requests for people and other programs."""

from __future__ import annotations

import ast
import csv
import importlib.util
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.render.parquet import write_rows
from perfectcv_traffic.store.ingest import ingest

Program = Callable[..., subprocess.CompletedProcess[str]]

EVIL = "=cmd|'/C calc'!A0"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Two requests, the second with all that could do harm."""
    ordinary = TrafficLog(
        request_id="one", event_id="e1", timestamp="2026-11-21T22:05:00.000000Z", method="GET",
        url="http://h/a?x=1", path="/a", route="/a", status_code=200, response_time_ms=5.0,
        request_headers={"accept": "*/*", "authorization": "[REDACTED]", "x-request-id": "one"},
        token_scheme="bearer", query_params="x=1",
    )  # fmt: skip
    evil = msgspec.structs.replace(
        ordinary, request_id="two", event_id="e2", method="POST", user_agent=EVIL, status_code=500,
        request_body="it's\n\x1b[31m$HOME",
    )  # fmt: skip
    log = tmp_path / "api_traffic.log"
    log.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in (ordinary, evil)))
    ingest([log], tmp_path / "traffic_monitor.db")
    return tmp_path


@pytest.mark.usefixtures("database")
def test_show_prints_what_was_recorded(program: Program) -> None:
    done = program("show", "two")

    assert done.returncode == 0
    assert "status_code  500" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.usefixtures("database")
def test_show_as_curl_is_a_command_for_the_shell(program: Program) -> None:
    done = program("show", "two", "--as", "curl")

    assert "\x1b" not in done.stdout
    words = subprocess.run(
        ["bash", "-c", done.stdout.replace("curl", "printf '%s\\0'", 1)],
        env={"TOKEN": "s3cret"}, capture_output=True, check=True, timeout=20,
    ).stdout.decode().split("\0")  # fmt: skip
    assert "it's\n\x1b[31m$HOME" in words
    assert "authorization: Bearer s3cret" in words
    assert not any("x-request-id" in word for word in words)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("form", ["httpx", "pytest"])
def test_show_as_python_is_python(program: Program, form: str) -> None:
    done = program("show", "two", "--as", form)

    assert ast.parse(done.stdout).body
    assert "'Bearer ' + os.environ['TOKEN']" in done.stdout


@pytest.mark.usefixtures("database")
def test_request_that_is_not_there_is_said(program: Program) -> None:
    done = program("show", "three")

    assert (done.returncode, done.stdout) == (2, "")
    assert "no request 'three'" in done.stderr


@pytest.mark.usefixtures("database")
def test_rows_are_exported_as_they_were_chosen(program: Program) -> None:
    done = program("export", "--status", "5xx")

    assert [json.loads(line)["request_id"] for line in done.stdout.splitlines()] == ["two"]


@pytest.mark.usefixtures("database")
def test_csv_has_no_formula_in_it(program: Program) -> None:
    done = program("export", "--format", "csv")

    _, row = csv.DictReader(io.StringIO(done.stdout))
    assert row["user_agent"] == "'" + EVIL


@pytest.mark.usefixtures("database")
def test_har_holds_every_request(program: Program) -> None:
    done = program("export", "--format", "har")

    log = json.loads(done.stdout)["log"]
    assert [entry["response"]["status"] for entry in log["entries"]] == [200, 500]
    assert log["entries"][0]["request"]["queryString"] == [{"name": "x", "value": "1"}]


def test_analysis_is_exported_to_a_file(program: Program, database: Path) -> None:
    done = program("export", "--analysis", "totals", "--format", "ndjson", "--to", "totals.json")

    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads((database / "totals.json").read_text())["requests"] == 2


@pytest.mark.usefixtures("database")
def test_query_selects(program: Program) -> None:
    done = program("query", "SELECT request_id, status_code FROM api_requests ORDER BY id")

    assert done.stdout.splitlines() == ["request_id,status_code", "one,200", "two,500"]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM api_requests", "PRAGMA user_version = 9", "ATTACH 'other.db' AS o",
        "VACUUM INTO 'copy.db'", "SELECT 1; SELECT 2", "nonsense", "",
    ],
)  # fmt: skip
def test_query_that_does_more_than_select_is_refused(
    program: Program, database: Path, sql: str
) -> None:
    done = program("query", sql)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("perfectcv-traffic: the query ")
    assert not {"other.db", "copy.db"} & {path.name for path in database.iterdir()}
    assert program("query", "SELECT count(*) FROM api_requests").stdout == "count(*)\n2\n"


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    "arguments",
    [
        ("--format", "xml"), ("--format", "parquet"), ("--format", "har", "--analysis", "totals"),
        ("--analysis", "nosuch"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_export_that_cannot_be_is_a_usage_error(
    program: Program, arguments: tuple[str, ...]
) -> None:
    assert program("export", *arguments).returncode == 2


def test_parquet_has_rows_and_answers_with_their_types(program: Program, database: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    if importlib.util.find_spec("pyarrow") is None:
        assert os.environ.get("CI") != "true", "pyarrow is not installed"
        pytest.skip("pyarrow is not installed")

    for arguments in (("--to", "rows.parquet"), ("--analysis", "clients", "--to", "c.parquet")):
        done = program("export", "--format", "parquet", *arguments)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    with duckdb.connect() as connection:
        rows = connection.sql(f"SELECT request_id, status_code FROM '{database}/rows.parquet'")
        assert rows.fetchall() == [("one", 200), ("two", 500)]
        seen = connection.sql(f"SELECT requests, last_request FROM '{database}/c.parquet'")
        assert seen.types[1] == "TIMESTAMP WITH TIME ZONE"


def test_parquet_without_its_library_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(UsageError, match=r"pip install 'perfectcv-traffic\[parquet\]'"):
        write_rows(tmp_path / "x.parquet", {"id": "INTEGER"}, [])
