"""A scanner's paths do not make the tables by the hour and by client grow."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from perfectcv_traffic import paths
from perfectcv_traffic.record import NullDetail
from perfectcv_traffic.store import counted, schema
from perfectcv_traffic.store.database import writing
from perfectcv_traffic.store.doctor import examine
from perfectcv_traffic.store.ingest import ingest
from perfectcv_traffic.store.migrations import MIGRATIONS
from perfectcv_traffic.summary import hourly
from perfectcv_traffic.summary.hourly import Limit
from perfectcv_traffic.summary.overview import ENDPOINTS, NULL_FIELDS
from perfectcv_traffic.summary.tables import NULLS, REQUESTS

Query = Callable[..., list[tuple[Any, ...]]]
Line = Callable[..., bytes]

ROUTES = "SELECT count(DISTINCT route) FROM summary_requests WHERE hour = '2026-11-21T05'"
WORDS = [f"/{a}{b}-x" for a in "abcdefghij" for b in "abcdefghij"]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {REQUESTS.name: Limit(ENDPOINTS, (9, 6)), NULLS.name: Limit(NULL_FIELDS, (4, 4))}
    monkeypatch.setattr(hourly, "LIMITS", limits)


@pytest.fixture
def scan(line: Line) -> list[bytes]:
    """Lines of hosts that look for a hundred paths within two hours; some are there."""
    return [
        line(
            number,
            path=path,
            route="/known" if number % 7 == 0 else None,
            timestamp=f"2026-11-21T{5 + number % 2:02}:00:00.{number:06}Z",
            status_code=(404, 301, 301, 429)[number % 4],
            null_params_count=1,
            null_params_details=[_null(path)],
        )
        for number, path in enumerate(WORDS * 3)
    ]


def _null(name: str) -> NullDetail:
    return NullDetail(field_name=name, field_path=name, location="query", kind="empty")


def wrong(db: Path) -> list[str]:
    return [check.name for check in examine(db, deep=True) if not check.is_ok]


@pytest.mark.usefixtures("few")
def test_hours_stay_small_and_equal_their_rebuild_after_many_commits(
    log: Path, db: Path, query: Query, scan: list[bytes]
) -> None:
    for start in range(0, len(scan), 37):
        with log.open("ab") as file:
            file.writelines(scan[start : start + 37])
        ingest([log], db)
        assert wrong(db) == []
    assert query(ROUTES) == [(9 + 6 + 1 + 1,)]
    assert query("SELECT sum(requests) FROM summary_requests") == [(len(scan),)]
    assert query("SELECT count(DISTINCT route) FROM summary_endpoints") == [(len(WORDS) + 1,)]


def test_client_has_one_window_an_hour_for_all_that_was_not_found(
    log: Path, db: Path, query: Query, line: Line
) -> None:
    log.write_bytes(
        b"".join(
            line(n, path=path, route=None, client_ip="10.9.9.9", status_code=status)
            for n, (path, status) in enumerate([("/a", 404), ("/b", 404), ("/c", 429), ("/d", 200)])
        )
    )
    ingest([log], db)
    assert query(
        "SELECT endpoint, sum(request_count), max(is_blocked) FROM rate_limit_tracking GROUP BY 1"
    ) == [("(unmatched)", 3, 1), ("/d", 1, 0)]


@pytest.fixture
def version_5(log: Path, db: Path, scan: list[bytes], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database of the version before, in which every path has its rows."""
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", MIGRATIONS[:5])
        patch.setattr(schema, "VERSION", 5)
        patch.setattr(hourly, "LIMITS", {})
        patch.setattr(paths, "endpoint", lambda route, _known, _status: route)
        patch.setattr(counted, "has_ids", lambda _connection: False)  # there was no table of them
        log.write_bytes(b"".join(scan))
        ingest([log], db)
    return db


@pytest.mark.usefixtures("few")
def test_upgrade_brings_an_older_database_down_to_the_limits(version_5: Path, query: Query) -> None:
    assert query(ROUTES) == [(51,)]
    with writing(version_5):
        pass
    assert query("PRAGMA user_version") == [(schema.VERSION,)]
    assert query(ROUTES) == [(9 + 6 + 1 + 1,)]
    assert wrong(version_5) == []
    assert query("SELECT endpoint FROM rate_limit_tracking WHERE endpoint = '(unmatched)' LIMIT 1")


@pytest.mark.usefixtures("few")
def test_upgrade_of_a_pruned_database_loses_no_request_of_a_client(
    version_5: Path, query: Query, scan: list[bytes]
) -> None:
    with closing(sqlite3.connect(version_5)) as connection, connection:  # as version 5 pruned
        pruned = "SELECT id FROM api_requests ORDER BY id DESC LIMIT -1 OFFSET 10"
        connection.execute(f"DELETE FROM null_value_logs WHERE request_id IN ({pruned})")
        count = connection.execute(f"DELETE FROM api_requests WHERE id IN ({pruned})").rowcount
        connection.execute("INSERT INTO store_meta (name, value) VALUES ('pruned', ?)", (count,))
    with closing(sqlite3.connect(version_5)) as connection:
        windows = connection.execute("SELECT * FROM rate_limit_tracking").fetchall()
    with writing(version_5):
        pass
    assert query("SELECT * FROM rate_limit_tracking") == windows
    assert query("SELECT sum(requests) FROM summary_requests") == [(len(scan),)]
