"""Statements of many rows hold what single rows would."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.record import NullDetail, TokenValidity
from perfectcv_traffic.store import inserts
from perfectcv_traffic.store.database import writing
from perfectcv_traffic.store.ingest import ingest
from perfectcv_traffic.store.inserts import Insert, parts, statement
from perfectcv_traffic.store.queries import HAS_REQUEST_ID
from perfectcv_traffic.store.rows import RequestRows

FORM = StoredForm()
NULL = NullDetail(field_name="a", field_path="a", location="query", kind="empty")


def maybe(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([None, *values])


FLAGS = st.sampled_from([None, False, True])
RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "request_id": st.sampled_from(["a", "b", "\u2028 é"]),
            "query_params": st.sampled_from(["", "x=1"]),
            "request_headers": maybe({}, {"host": "a\nb"}, {"x": "null"}),
            "status_code": maybe(0, 200, 2**62),
            "response_time_ms": maybe(0.0, 1.5),
            "token_validity": maybe(TokenValidity.VALID, TokenValidity.ABSENT),
            "token_present": FLAGS,
            "complete": FLAGS,
            "null_params_count": st.sampled_from([0, 1]),
            "null_params_details": st.sampled_from([[], [NULL]]),
        }
    ),
    max_size=40,
)


def known(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


@given(st.lists(RECORDS, max_size=3))
def test_statements_store_the_rows_of_their_records(batches: list[list[dict[str, Any]]]) -> None:
    rows = RequestRows(FORM)
    names = ("log_file_id", "log_offset", *FORM.columns, "has_null_params", "has_null_response")
    with sqlite3.connect(":memory:") as connection:
        connection.execute(
            f"CREATE TABLE api_requests (id INTEGER PRIMARY KEY, {', '.join(names)})"
        )
        expected = []
        for batch in batches:
            records = [(number, FORM.record(**values)) for number, values in enumerate(batch)]
            for group in rows.groups(records):
                for sql, values in group.statements(7):
                    connection.execute(sql, values)
            expected += [
                (7, number, *map(known, FORM.row(record)), int(record.null_params_count > 0), 0)
                for number, record in records
            ]
        found = connection.execute(f"SELECT {', '.join(names)} FROM api_requests ORDER BY id")
        assert found.fetchall() == expected
    connection.close()


@pytest.mark.parametrize("count", [0, 1, 3, 4, 255, 256, 257, 5000])
@pytest.mark.parametrize("width", [1, 50, 200, 40_000])
def test_parts_cover_all_rows_within_the_limit_of_variables(count: int, width: int) -> None:
    found = list(parts(count, width))
    assert [number for start, end in found for number in range(start, end)] == list(range(count))
    assert all(end - start == 1 or (end - start) * width <= 32_766 for start, end in found)
    assert len({end - start for start, end in found}) <= 5


@pytest.mark.parametrize("most", [1, 2, 3, 50, 64, 1000])
def test_parts_cover_all_rows_whatever_the_most_of_a_statement_is(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(inserts, "MOST_ROWS", most)
    found = list(parts(2345, 30))
    assert [number for start, end in found for number in range(start, end)] == list(range(2345))
    assert max(end - start for start, end in found) <= most


def test_conflict_leaves_it_to_the_transaction() -> None:
    insert = Insert("t", ("a", "b"), shared=1)
    assert statement(insert, 2).split() == (
        ["INSERT", "OR", "FAIL", "INTO", "t", "(a,", "b)", "VALUES", "(?1,", "?),", "(?1,", "?)"]
    )


def test_records_that_vary_later_than_a_statement_was_made_are_stored_too(
    log: Path,
    db: Path,
    line: Callable[..., bytes],
    query: Callable[..., list[tuple[Any, ...]]],
) -> None:
    log.write_bytes(b"".join(line(number, scenario=None) for number in range(300)))
    ingest([log], db)
    with log.open("ab") as file:
        file.write(b"".join(line(number, scenario=f"s{number}") for number in range(300, 900)))
    ingest([log], db)
    found = query("SELECT request_id, scenario, log_offset FROM api_requests ORDER BY id")
    assert [row[0] for row in found] == [f"r{number}" for number in range(900)]
    assert [row[1] for row in found[298:302]] == [None, None, "s300", "s301"]
    data = log.read_bytes()
    ids = [msgspec.json.decode(data[at : data.index(b"\n", at)])["request_id"] for *_, at in found]
    assert ids == [row[0] for row in found]


def test_request_is_found_in_any_bucket_of_rows(db: Path) -> None:
    ids = (1, 4095, 4096, 20_000)
    with writing(db) as connection:
        for row_id in ids:
            connection.execute(
                "INSERT INTO api_requests (id, request_id) VALUES (?, ?)", (row_id, f"r{row_id}")
            )
        select = f"SELECT id FROM api_requests WHERE {HAS_REQUEST_ID}"
        for row_id in ids:
            assert connection.execute(select, (f"r{row_id}",)).fetchall() == [(row_id,)]
        assert connection.execute(select, ("absent",)).fetchall() == []
        plan = connection.execute(f"EXPLAIN QUERY PLAN {select}", ("r1",)).fetchall()
        assert any("INDEX api_requests_request_id (<expr>=?" in row[3] for row in plan), plan
