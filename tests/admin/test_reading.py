"""Freshness, refusal to answer from a bad database, and what SQLite does for each query."""

from __future__ import annotations

import itertools
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from perfectcv_traffic.admin import clients, live, metrics, queries, requests, statistics
from perfectcv_traffic.admin.database import Database, UnavailableError
from perfectcv_traffic.admin.freshness import Freshness
from perfectcv_traffic.admin.requests import Filter
from perfectcv_traffic.admin.scope import Prefix
from perfectcv_traffic.admin.windows import RateLimit
from perfectcv_traffic.capture.outcome import Counters
from perfectcv_traffic.store.database import reading
from perfectcv_traffic.store.ingest import Options, ingest
from perfectcv_traffic.store.queries import line_counts

BEHIND = "x-traffic-behind-bytes"
AUTHORIZED = {"Authorization": "Bearer an-admin-token-for-tests"}
PREFIX = Prefix("/admin")
LIMIT = RateLimit(60, hours=6)


def ask(service: Any, path: str = "url-stats") -> Any:
    return service.client.get(f"/admin/{path}", headers=AUTHORIZED)


def test_answer_says_how_far_it_is_behind_when_nothing_ingests(own_service: Any) -> None:
    before = own_service.log.stat().st_size
    own_service.client.get("/items/1")
    answer = ask(own_service)

    assert answer.json()["total_accesses"] == 12
    assert int(answer.headers[BEHIND]) == own_service.log.stat().st_size - before > 0 or (
        int(answer.headers[BEHIND]) > 0
    )


def test_stats_say_it_too(own_service: Any) -> None:
    own_service.client.get("/items/1")
    answer = ask(own_service, "request-stats")

    assert answer.json()["ingest"]["behind_bytes"] == int(answer.headers[BEHIND]) > 0


def test_answer_includes_what_was_logged_before_while_something_ingests(own_service: Any) -> None:
    stop = threading.Event()

    def follow() -> None:
        while not stop.is_set():
            ingest([own_service.log], own_service.db)

    follower = threading.Thread(target=follow)
    follower.start()
    try:
        fresh = []
        for number in range(13, 18):
            own_service.client.get("/items/1")
            answer = ask(own_service)
            caught_up = answer.headers[BEHIND] == "0"
            fresh.append(caught_up)
            assert not caught_up or answer.json()["total_accesses"] == number
    finally:
        stop.set()
        follower.join()
    assert any(fresh)


def test_waiting_in_vain_is_not_repeated(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    flushed: list[int] = []
    log.write_bytes(b"{}\n")
    ingest([log], tmp_path / "a.db")
    log.write_bytes(b"{}\n{}\n")
    looks = 0

    def look(statement: str) -> None:
        nonlocal looks
        looks += "committed_offset" in statement

    connection = sqlite3.connect(tmp_path / "a.db")
    connection.set_trace_callback(look)

    def flush(_: float) -> bool:
        flushed.append(1)
        return True

    freshness = Freshness(log, flush, lambda: None)
    assert freshness.catch_up(connection) == 3
    assert looks > 1
    looks = 0
    assert freshness.catch_up(connection) == 3
    assert looks == 1
    ingest([log], tmp_path / "a.db")
    assert freshness.catch_up(connection) == 0
    assert len(flushed) == 3
    connection.close()


def test_log_that_grows_and_is_stored_meanwhile_is_not_behind(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"{}\n")
    ingest([log], tmp_path / "a.db")
    connection = sqlite3.connect(tmp_path / "a.db")
    seen: list[str] = []

    def grow(statement: str) -> None:
        if "committed_offset" in statement and not seen:  # just after the size was looked at
            seen.append(statement)
            log.write_bytes(b"{}\n{}\n")
            ingest([log], tmp_path / "a.db")

    connection.set_trace_callback(grow)
    assert Freshness(log, lambda _: True, lambda: None).catch_up(connection) == 0
    assert seen
    connection.close()


def test_rotated_log_counts_whole(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"{}\n" * 100)
    ingest([log], tmp_path / "a.db")
    log.rename(tmp_path / "a.log.1")
    log.write_bytes(b"{}\n")
    connection = sqlite3.connect(tmp_path / "a.db")

    assert Freshness(log, lambda _: True, lambda: None).behind(connection) == 3
    connection.close()


def test_log_rotated_while_it_is_waited_for_is_not_missed(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"{}\n" * 100)
    ingest([log], tmp_path / "a.db")
    with log.open("ab") as file:
        file.write(b"{}\n" * 10)

    def rotate() -> None:
        log.rename(tmp_path / "a.log.1")

    connection = sqlite3.connect(tmp_path / "a.db")
    assert Freshness(log, lambda _: True, rotate).catch_up(connection) == 0
    connection.close()


def test_missing_database_is_answered_503(serve: Any) -> None:
    answer = ask(serve())

    assert answer.status_code == 503
    assert "does not exist yet" in answer.json()["detail"]
    assert answer.headers["retry-after"]


@pytest.mark.parametrize(
    "content", [b"no database at all, but long enough to be looked at", b"", b"SQLite format 3\0"]
)
def test_file_that_is_no_database_is_answered_503(serve: Any, content: bytes) -> None:
    service = serve()
    service.db.write_bytes(content)

    assert ask(service).status_code == 503


def test_damaged_database_is_answered_503(own_service: Any) -> None:
    damaged = own_service.db.read_bytes()
    own_service.db.write_bytes(damaged[:8192] + b"\xff" * (len(damaged) - 8192))

    assert ask(own_service, "request-logs").status_code == 503


def test_database_of_another_version_is_answered_503_and_left_alone(own_service: Any) -> None:
    connection = sqlite3.connect(own_service.db)
    connection.execute("PRAGMA user_version = 999")
    connection.close()

    answer = ask(own_service)
    assert answer.status_code == 503
    assert "version" in answer.json()["detail"]


def test_query_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    ingest([_log(tmp_path)], tmp_path / "a.db")
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"

    with pytest.raises(UnavailableError, match="took longer than"):
        Database(tmp_path / "a.db", seconds=0.05).read_now(lambda c: c.execute(endless).fetchone())


@pytest.mark.parametrize(
    "statement", ["DELETE FROM api_requests", "CREATE TABLE t(x)", "PRAGMA user_version = 7"]
)
def test_nothing_can_be_written(tmp_path: Path, statement: str) -> None:
    ingest([_log(tmp_path)], tmp_path / "a.db")

    with pytest.raises(UnavailableError):
        Database(tmp_path / "a.db").read_now(lambda c: c.execute(statement))


def _log(folder: Path) -> Path:
    (folder / "a.log").write_bytes(b"")
    return folder / "a.log"


@pytest.fixture(name="connection")
def _connection(service: Any) -> Iterator[sqlite3.Connection]:
    with reading(service.db) as connection:
        connection.row_factory = sqlite3.Row
        yield connection


EVERY_FILTER: tuple[dict[str, Any], ...] = (
    {}, {"path": "/items"}, {"path": "1"}, {"method": "GET"}, {"client_ip": "127.0.0.1"},
    {"status_code": 200}, {"since": "2026-01-01"}, {"until": "2999-01-01"}, {"token": "absent"},
    {"token": "12ab...cd34"}, {"has_nulls": True}, {"has_nulls": False}, {"failed": True},
    {"failed": False},
)  # fmt: skip


def test_any_two_filters_are_answered_from_one_index(connection: sqlite3.Connection) -> None:
    for one, other in itertools.combinations(EVERY_FILTER, 2):
        statements = traced(connection, partial(_page, wanted={**one, **other}))
        (search,) = [each for each in statements if "ORDER BY timestamp DESC LIMIT" in each]
        steps = plan(connection, search)

        # No row is fetched to look at a column, none is sorted: both take ten times as long.
        assert f"USING COVERING INDEX {requests.BY_TIME}" in steps[0], search
        assert "TEMP B-TREE" not in " ".join(steps), search


def _page(connection: sqlite3.Connection, wanted: dict[str, Any]) -> Any:
    return requests.find(connection, Filter(**wanted), PREFIX, 2, 0)


def test_a_request_id_is_looked_up(connection: sqlite3.Connection) -> None:
    statements = traced(connection, lambda c: _page(c, {"request_id": "item-1", "method": "GET"}))
    steps = " ".join(step for each in statements for step in plan(connection, each))

    index = f"USING INDEX {requests.BY_REQUEST_ID} (<expr>=? AND request_id=?)"
    assert f"SEARCH api_requests {index}" in steps or f"COVERING {index}" in steps


Ask = Callable[[sqlite3.Connection], Any]

SMALL = {
    "summary_endpoints": "capped by overview.MAX_GROUPS, whatever is requested",
    "summary_null_fields": "capped by overview.MAX_GROUPS, whatever is sent",
    "log_files": "a row for each file that was ingested",
    "clients": "the clients of one page",
    "busiest": "the clients up to the end of the page, in the order of an index",
    "hop": "the endpoints of these",
    "json_each": "what the statement was given",
}
"""Tables that may be read whole, and what bounds them."""


@pytest.mark.parametrize(
    "ask_for",
    [
        lambda c: requests.find(c, Filter(), PREFIX, 100, 0),
        lambda c: requests.find(c, Filter(path="x"), PREFIX, 100, 0),
        lambda c: requests.find(c, Filter(path="x", failed=True), PREFIX, 100, 20_000),
        lambda c: requests.find(c, Filter(token="a...b"), PREFIX, 100, 0),
        lambda c: queries.null_logs(c, PREFIX, 100, 0, path="x", null_type="response_field"),
        lambda c: queries.null_logs(c, PREFIX, 100, 0),
        lambda c: queries.url_stats(c, PREFIX, 100),
        lambda c: clients.busiest(c, PREFIX, 100, 0, LIMIT),
        lambda c: clients.busiest(c, Prefix(None), 100, 1000, LIMIT),
        lambda c: clients.endpoints(c, PREFIX, 100, 0, client="x", rate_limit=LIMIT),
        lambda c: queries.logins(c, 100, 0),
        lambda c: queries.logins(c, 100, 0, uuid="x"),
        lambda c: live.live(c, PREFIX, 300, 1.0, LIMIT),
        lambda c: live.live(c, PREFIX, 3600, time.time(), LIMIT),
        lambda c: statistics.request_stats(c, PREFIX, None, None),
        lambda c: statistics.request_stats(c, PREFIX, "2026-01-01T00", None),
        lambda c: statistics.request_stats(c, PREFIX, "2998-01-01", "2999-01-01"),
        lambda c: metrics.text(c, PREFIX, Counters(), 0),
        line_counts,
    ],
)
def test_every_query_uses_an_index_or_reads_what_is_small_by_design(
    connection: sqlite3.Connection, ask_for: Ask
) -> None:
    statements = [each for each in traced(connection, ask_for) if each.startswith(("SEL", "WITH"))]

    assert statements
    for statement in statements:
        for step in plan(connection, statement):
            scanned = re.match(r"SCAN (\w+)(?!.* USING (COVERING )?INDEX)", step)
            is_fine = scanned is None or "CONSTANT" in step or scanned[1] in SMALL
            assert is_fine, f"{step}\n{statement}"


def traced(connection: sqlite3.Connection, ask_for: Ask) -> list[str]:
    """The statements that are run, with their values in them."""
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    ask_for(connection)
    connection.set_trace_callback(None)
    return statements


def plan(connection: sqlite3.Connection, statement: str) -> list[str]:
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]


def test_database_without_rows_tells_sums_and_says_what_it_cannot(serve: Any) -> None:
    service = serve()
    service.client.get("/items/1")
    service.client.get("/broken")
    assert service.monitor.flush()
    ingest([service.log], service.db, options=Options(summary_only=True))
    for path in ("request-logs", "null-logs", "uuid-logs", "live"):
        answer = ask(service, path)
        assert answer.status_code == 503
        assert "keeps the summary alone of" in answer.json()["detail"]
    assert service.admin("url-stats")["total_accesses"] >= 2
    assert service.admin("request-stats")["total_requests"] >= 2
    assert service.admin("rate-limits")["stats"]
