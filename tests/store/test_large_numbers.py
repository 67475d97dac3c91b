"""No line, whatever numbers it has, stops the others or makes a sum something else than a sum."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.store import doctor
from perfectcv_traffic.store.database import writing
from perfectcv_traffic.store.ingest import Options, ingest
from perfectcv_traffic.store.merge import merge
from perfectcv_traffic.store.upserts import merge_table
from perfectcv_traffic.summary.tables import LARGEST_SUM, NO_MINIMUM, REQUESTS, Key, Row

Line = Callable[..., bytes]
Query = Callable[..., list[tuple[Any, ...]]]
Contents = Callable[[Path], dict[str, list[tuple[Any, ...]]]]
Folded = Callable[[Sequence[Path]], dict[str, list[tuple[Any, ...]]]]

LARGEST = 2**63 - 1
numbers = st.integers(0, LARGEST) | st.sampled_from([0, LARGEST_SUM, LARGEST_SUM + 1, LARGEST])
numbered = st.fixed_dictionaries(
    {
        "request_bytes": st.none() | numbers,
        "response_bytes": st.none() | numbers,
        "status_code": st.none() | st.sampled_from([200, 404]) | numbers,
        "null_params_count": numbers,
        "null_response_count": numbers,
        "lost_before": numbers,
        "response_time_ms": st.none() | st.floats(0, 1e18) | st.sampled_from([1e8, 1e9, 3.6e6]),
        "weight": st.floats(0, 1e308),
        "route": st.none() | st.just("/x"),
    }
)

numbers_of_files = count()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    found=st.lists(st.lists(numbered, max_size=6), min_size=1, max_size=3),
    summary_only=st.booleans(),
)
def test_lines_of_any_numbers_are_stored_and_add_up_as_in_one_fold(
    found: list[list[dict[str, Any]]], summary_only: bool, tmp_path: Path, line: Line,
    summary: Contents, folded: Folded,
) -> None:  # fmt: skip
    place = tmp_path / str(next(numbers_of_files))
    place.mkdir()
    log, db = place / "a.log", place / "a.db"
    log.touch()
    number = 0
    for part in found:  # each is added by SQL to what the parts before add up to
        with log.open("ab") as file:
            for values in part:
                number += 1
                file.write(line(number, timestamp="2026-11-21T10:00:00.000000Z", **values))
        ingest([log], db, options=Options(summary_only=summary_only))
    assert summary(db) == folded([log])
    assert all(check.is_ok for check in doctor.examine(db, deep=True))


def _large(line: Line, *numbers: int) -> bytes:
    same = {"timestamp": "2026-11-21T10:00:00.000000Z", "route": "/x", "status_code": 200,
            "token_validity": None}  # fmt: skip
    return b"".join(line(one, request_bytes=LARGEST // 3, **same) for one in numbers)


def test_a_sum_stops_at_its_limit_over_any_number_of_commits(
    log: Path, db: Path, line: Line, query: Query
) -> None:
    for number in range(4):
        with log.open("ab") as file:
            file.write(_large(line, number))
        ingest([log], db)
    for table in ("summary_requests", "summary_endpoints"):
        sums = query(f"SELECT requests, request_bytes, typeof(request_bytes) FROM {table}")
        assert sums == [(4, LARGEST_SUM, "integer")]


def test_merged_sums_stop_at_their_limit_however_often_they_are_merged(
    tmp_path: Path, line: Line, summary: Contents
) -> None:
    logs = [tmp_path / f"{name}.log" for name in "ab"]
    sources = [log.with_suffix(".db") for log in logs]
    merged, whole = tmp_path / "merged.db", tmp_path / "whole.db"
    options = Options(summary_only=True)
    for numbers in ((1, 2), (3, 4), (5, 6)):
        for log, source, number in zip(logs, sources, numbers, strict=True):
            with log.open("ab") as file:
                file.write(_large(line, number))
            ingest([log], source, options=options)
            merge(merged, source)
    ingest(logs, whole, options=options)
    assert summary(merged) == summary(whole)


def test_foreign_lines_of_any_numbers_are_stored(log: Path, db: Path, query: Query) -> None:
    log.write_bytes(
        b"".join(
            b'10.0.0.1 - - [21/Nov/2026:10:00:0%d +0000] "GET /ws HTTP/1.1" 101 %d "-" "ua" %s\n'
            % (second, 10**18 - 1, seconds)
            for second, seconds in enumerate((b"0.005", b"100000.123", b"3600.000", b"9e30"))
        )
    )
    counts = ingest([log], db)
    assert counts.new + counts.rejected == counts.lines == 4
    assert counts.new >= 3
    assert query("SELECT sum(requests) FROM summary_requests") == [(counts.new,)]


def test_older_database_with_sums_beyond_the_limit_is_brought_down_to_it(
    log: Path, db: Path, line: Line, query: Query
) -> None:
    log.write_bytes(_large(line, 1))
    ingest([log], db)
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("UPDATE summary_requests SET request_bytes = 1.5e19")
        connection.execute("UPDATE summary_endpoints SET duration_square_sum = ?", (LARGEST,))
        connection.execute("DROP INDEX uuid_logins_timestamp")  # of version 10
        connection.execute("PRAGMA user_version = 8")
        connection.commit()
    assert all(check.is_ok for check in doctor.examine(db))
    found = "SELECT request_bytes, typeof(request_bytes) FROM summary_requests"
    assert query(found) == [(LARGEST_SUM, "integer")]
    assert query("SELECT duration_square_sum FROM summary_endpoints") == [(LARGEST_SUM,)]
    with log.open("ab") as file:
        file.write(_large(line, 2))
    ingest([log], db)
    assert query(found) == [(LARGEST_SUM, "integer")]


def test_doctor_finds_a_sum_that_is_none(log: Path, db: Path, line: Line) -> None:
    log.write_bytes(_large(line, 1))
    ingest([log], db)
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("UPDATE summary_requests SET request_bytes = 1.5e19")
        connection.commit()
    wrong = [check.detail for check in doctor.examine(db) if not check.is_ok]
    assert wrong == ["summary_requests.request_bytes"]


def test_views_show_sums_at_their_limit(log: Path, db: Path, line: Line, query: Query) -> None:
    log.write_bytes(
        b"".join(
            line(one, route=f"/{one % 2}", response_bytes=LARGEST, response_time_ms=1e9)
            for one in range(40)
        )
    )
    ingest([log], db)
    for view in ("endpoint_stats", "status_by_hour", "token_by_hour", "null_hotspots"):
        query(f"SELECT * FROM {view}")
    assert query("SELECT DISTINCT mean_ms FROM endpoint_stats") == [(1e9,)]


def test_a_row_that_no_column_holds_is_an_error_of_one_line(db: Path) -> None:
    key: Key = ("2026-11-21T10", "GET", "/x", 1, 200, "", -1, "")
    row: Row = (*key, 2**63, *[0] * 8, NO_MINIMUM, 0, b"")
    with (
        pytest.raises(StorageError, match=r"summary_requests \(Python int too large") as raised,
        writing(db) as connection,
    ):
        merge_table(connection, REQUESTS, [row])
    assert "\n" not in str(raised.value)
    assert str(db) in str(raised.value)
