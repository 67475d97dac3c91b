"""show, export and query: recorded requests for people and other programs."""

from __future__ import annotations

import ast
import csv
import importlib.util
import io
import json
import os
import signal
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
        request_id="one", event_id="e1", timestamp="2026-11-21T22:05:00.000250Z", method="GET",
        url="http://h/a?x=1", path="/a", route="/a", status_code=200, response_time_ms=5.0,
        request_headers={"accept": "*/*", "authorization": "[REDACTED]", "x-request-id": "one"},
        token_scheme="bearer", token_present=True, query_params="x=1",
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


def test_encoding_that_lacks_a_character_leaves_json_and_shows_dots_to_people(
    program: Program, tmp_path: Path
) -> None:
    record = TrafficLog(
        request_id="1", event_id="1", route="/é/😀/" + "x" * 300, status_code=500, method="GET"
    )
    (tmp_path / "api_traffic.log").write_bytes(msgspec.json.encode(record) + b"\n")
    program("ingest")

    exported = program("export", PYTHONIOENCODING="ascii")
    shown = program("analyze", "--no-charts", PYTHONIOENCODING="ascii")

    assert json.loads(exported.stdout)["route"] == record.route
    assert "x...x" in shown.stdout
    assert "\\u20" not in shown.stdout


@pytest.mark.usefixtures("database")
def test_beginning_of_a_request_id_will_do_where_it_is_unique(
    program: Program, database: Path
) -> None:
    assert "status_code  500" in program("show", "tw").stdout
    twin = TrafficLog(request_id="two_b", path="/a", status_code=418)
    with (database / "api_traffic.log").open("ab") as log:
        log.write(msgspec.json.encode(twin) + b"\n")
    program("ingest")

    several = program("show", "tw")

    assert (several.returncode, several.stdout) == (2, "")
    assert "several request ids begin with 'tw'" in several.stderr
    assert "status_code  500" in program("show", "two").stdout


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


def test_exported_rows_are_records_again(program: Program, database: Path) -> None:
    program("export", "--to", "rows.log")

    row = json.loads((database / "rows.log").read_text().splitlines()[0])
    record = json.loads((database / "api_traffic.log").read_text().splitlines()[0])
    assert {name: row[name] for name in record} == record
    done = program("analyze", "rows.log", "--only", "totals", "--json", "--no-charts")
    assert json.loads(done.stdout)["analyses"]["totals"]["rows"][0]["requests"] == 2


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
    ("sql", "told"),
    [
        ("DELETE FROM api_requests", "query only reads: write a SELECT statement\n"),
        ("PRAGMA user_version = 9", "query only reads: write a SELECT statement\n"),
        ("ATTACH 'other.db' AS o", "query only reads: write a SELECT statement\n"),
        ("VACUUM INTO 'copy.db'", "query only reads: write a SELECT statement\n"),
        ("SELECT 1; SELECT 2", "the query "),
        ("nonsense", "the query "),
        ("", "the query "),
    ],
)
def test_query_that_does_more_than_select_is_refused(
    program: Program, database: Path, sql: str, told: str
) -> None:
    done = program("query", sql)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"perfectcv-traffic: {told}")
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


def test_database_is_not_exported_over_itself(program: Program, database: Path) -> None:
    done = program("export", "--to", "./traffic_monitor.db")

    assert done.returncode == 2
    assert "is the database itself" in done.stderr
    assert program("query", "SELECT count(*) FROM api_requests").stdout == "count(*)\n2\n"


def test_file_stays_as_it_was_when_the_export_fails(program: Program, database: Path) -> None:
    (database / "rows.json").write_text("of yesterday")

    done = program("export", "--to", "rows.json", "--db", "nosuch.db")

    assert done.returncode == 3
    assert (database / "rows.json").read_text() == "of yesterday"
    assert not [path for path in database.iterdir() if path.name.startswith(".rows")]


@pytest.mark.usefixtures("database")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no /dev/stdout")
def test_export_goes_through_a_link_to_a_device(program: Program) -> None:
    assert len(program("export", "--to", "/dev/stdout").stdout.splitlines()) == 2


@pytest.mark.usefixtures("database")
def test_unknown_analysis_is_told_by_the_option_that_named_it(program: Program) -> None:
    assert "--analysis 'nosuch'" in program("export", "--analysis", "nosuch").stderr


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("SELECT json_extract('x', '$')",), "the query cannot be run: malformed JSON"),
        (("SELECT 1 AS a, 2 AS a", "--format", "ndjson"), "two columns have one name"),
    ],
)
def test_statement_that_cannot_be_answered_is_a_usage_error(
    program: Program, arguments: tuple[str, ...], words: str
) -> None:
    done = program("query", *arguments)

    assert (done.returncode, words in done.stderr) == (2, True)


COUNTS = "WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a) SELECT "


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("then", ["", "; import time; time.sleep(60)"], ids=["running", "asked"])
def test_query_without_end_ends_with_ctrl_c(database: Path, then: str) -> None:
    """Also while SQLite asks what is allowed."""
    program = INTERRUPTED.replace("flush=True)", f"flush=True){then}")
    command = [sys.executable, "-c", program, "query", f"{COUNTS} count(*) FROM a"]
    with subprocess.Popen(command, cwd=database, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        try:
            assert process.stderr.readline() == b"begun\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=120) == 130
            assert b"interrupted" in process.stderr.read()
        finally:
            process.kill()  # else a failure would wait for an end that never comes


INTERRUPTED = """
import sqlite3, sys
from perfectcv_traffic.__main__ import main
from perfectcv_traffic.cli.commands import query

def only_read(action, *details):
    if action == sqlite3.SQLITE_RECURSIVE:
        print("begun", file=sys.stderr, flush=True)
    return read(action, *details)

read, query._only_read = query._only_read, only_read
main()
"""
"""The program, which says when SQLite understands the statement: it is counted next."""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes")
def test_reader_that_has_enough_is_no_error(database: Path) -> None:
    sql = f"{COUNTS} printf('%.1000c', 'x') FROM a"
    with subprocess.Popen(
        [sys.executable, "-m", "perfectcv_traffic", "query", sql],
        cwd=database, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=120) == 0
        assert process.stderr.read() == b""


def test_parquet_without_its_library_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(UsageError, match=r"pip install 'perfectcv-traffic\[parquet\]'"):
        write_rows(tmp_path / "x.parquet", {"id": "INTEGER"}, [])


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes")
@pytest.mark.parametrize(
    "arguments",
    [
        ("analyze", "--no-charts"), ("analyze", "--list"), ("analyze", "--json", "--no-charts"),
        ("explain",), ("show", "one"), ("show", "one", "--as", "curl"), ("export",),
        ("watch", "--interval", "0.1"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_nobody_who_reads_is_no_error(database: Path, arguments: tuple[str, ...]) -> None:
    """Exit code 1 would say that something was found; `watch` has nothing left to do."""
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        [sys.executable, "-m", "perfectcv_traffic", *arguments],
        cwd=database, stdout=writing, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        os.close(writing)
        try:
            assert process.wait(timeout=120) == 0
            assert process.stderr is not None
            assert process.stderr.read() == b""
        finally:
            process.kill()


def test_charts_are_written_though_nobody_reads_the_tables(database: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "perfectcv_traffic", "analyze", "--only", "status_distribution"],
        cwd=database, stdout=writing, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    os.close(writing)

    assert (done.returncode, done.stderr) == (0, b"")
    assert (database / "analysis_output/status_distribution.png").exists()


def test_har_leaves_out_what_has_no_time(program: Program, tmp_path: Path) -> None:
    records = [TrafficLog(request_id=one, timestamp=one) for one in ("garbage", "2026-11-21")]
    (tmp_path / "a.log").write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in records))
    assert program("ingest", "a.log").returncode == 0

    done = program("export", "--format", "har")

    assert done.returncode == 0, done.stderr
    (entry,) = json.loads(done.stdout)["log"]["entries"]
    assert entry["_requestId"] == "2026-11-21"


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("analysis", ["clients", "slowest_requests", "traffic_over_time", "totals"])
def test_analysis_is_told_alike_by_every_command(program: Program, analysis: str) -> None:
    printed = program("analyze", "--only", analysis, "--csv", "--no-charts").stdout
    exported = program("export", "--analysis", analysis, "--format", "csv").stdout
    rows = json.loads(program("analyze", "--only", analysis, "--json", "--no-charts").stdout)
    lines = program("export", "--analysis", analysis).stdout.splitlines()

    assert printed == exported
    assert rows["analyses"][analysis]["rows"] == [json.loads(line) for line in lines]


@pytest.mark.usefixtures("database")
def test_time_of_a_request_is_told_whole(program: Program) -> None:
    done = program("analyze", "--only", "slowest_requests", "--csv", "--no-charts")

    assert ",2026-11-21T22:05:00.000250Z," in done.stdout


def test_test_of_a_request_without_an_answer_expects_one(program: Program, tmp_path: Path) -> None:
    record = TrafficLog(request_id="gone", method="GET", url="http://h/a", path="/a")
    (tmp_path / "a.log").write_bytes(msgspec.json.encode(record) + b"\n")
    assert program("ingest", "a.log").returncode == 0

    written = program("show", "gone", "--as", "pytest").stdout

    assert "assert response.status_code < 500  # no answer was recorded" in written
    ast.parse(written)
