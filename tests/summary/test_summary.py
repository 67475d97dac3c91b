from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfectcv_traffic.record import NullDetail, TokenValidity, TrafficLog
from perfectcv_traffic.summary import overview, sketch
from perfectcv_traffic.summary.overview import ENDPOINTS, OTHER, ROLLUPS
from perfectcv_traffic.summary.summary import Summary, merge
from perfectcv_traffic.summary.tables import CLIENTS, LARGEST_SUM, REQUESTS, TABLES, URLS


def _null(name: str) -> NullDetail:
    return NullDetail(
        field_name=name, field_path=f"items[3].{name}", location="json_body", kind="json_null"
    )


records = st.builds(
    TrafficLog,
    request_id=st.just("r"),
    timestamp=st.none()
    | st.sampled_from(["2026-11-21T10:00:00.000000Z", "2026-11-21T11:59:59.9Z"]),
    method=st.none() | st.sampled_from(["GET", "POST"]),
    path=st.sampled_from(["/", "/users/1", "/users/2", "/x"]),
    route=st.none() | st.sampled_from(["/users/{id}", "/x"]),
    status_code=st.none() | st.sampled_from([200, 404, 429, 500]),
    token_validity=st.none() | st.sampled_from(TokenValidity),
    auth_required=st.none() | st.booleans(),
    complete=st.none() | st.booleans(),
    request_bytes=st.none() | st.integers(0, 10**12) | st.integers(0, 2**63 - 1),
    response_time_ms=st.none() | st.floats(0, 1e6) | st.floats(0, 1e18),
    client_ip=st.none() | st.sampled_from(["10.0.0.1", "::1"]),
    null_params_count=st.integers(0, 1),
    null_params_details=st.lists(st.builds(_null, st.sampled_from("ab")), max_size=3),
)


def fold(found: list[TrafficLog]) -> Summary:
    summary = Summary()
    summary.add_all(found)
    return summary


def contents(summary: Summary) -> dict[str, list[Any]]:
    tables = {table.name: list(summary.rows(table)) for table in TABLES}
    return tables | {r.table.name: list(overview.rows(r, summary)) for r in ROLLUPS}


@given(st.lists(records, max_size=12), st.integers(0, 12))
def test_summary_is_the_same_however_the_log_is_split(found: list[TrafficLog], cut: int) -> None:
    parts = merge(fold(found[:cut]), fold(found[cut:]))
    assert contents(parts) == contents(fold(found))


@given(st.lists(records, max_size=8))
def test_summary_of_single_records_equals_that_of_many(found: list[TrafficLog]) -> None:
    one_by_one = Summary()
    for record in found:
        one_by_one.add(record)
    assert contents(one_by_one) == contents(fold(found))


@given(*(st.lists(records, max_size=6) for _ in range(3)))
def test_merge_is_associative_and_commutative_with_an_empty_identity(
    first: list[TrafficLog], second: list[TrafficLog], third: list[TrafficLog]
) -> None:
    a, b, c = fold(first), fold(second), fold(third)
    assert contents(merge(merge(a, b), c)) == contents(merge(a, merge(b, c)))
    assert contents(merge(a, b)) == contents(merge(b, a))
    assert contents(merge(a, Summary())) == contents(merge(Summary(), a)) == contents(a)


@given(st.lists(records, max_size=20))
def test_totals_of_every_table_add_up(found: list[TrafficLog]) -> None:
    tables = contents(fold(found))
    positions = {table.name: table.columns for table in (*TABLES, *(r.table for r in ROLLUPS))}

    def total(table: str, column: str) -> int:
        found: int = sum(row[positions[table].index(column)] for row in tables[table])
        return min(found, LARGEST_SUM)

    for table in (REQUESTS.name, ENDPOINTS.table.name, "summary_hours"):
        assert total(table, "requests") == len(found)
    assert total(CLIENTS.name, "request_count") == total("summary_clients", "request_count")
    assert total(URLS.name, "access_count") == len(found)
    assert total(REQUESTS.name, "duration_us_sum") == total("summary_endpoints", "duration_us_sum")


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=200))
def test_sketch_is_within_one_percent(durations: list[int]) -> None:
    for duration in durations:
        middle = 2 * sketch.GAMMA ** sketch.bucket(duration) / (sketch.GAMMA + 1)
        assert math.isclose(middle, max(1, duration), rel_tol=sketch.RELATIVE_ERROR + 1e-9)


@given(st.dictionaries(st.integers(0, 2000), st.integers(1, 2**60)))
def test_packed_sketch_unpacks_to_the_same(buckets: dict[int, int]) -> None:
    packed = sketch.pack(buckets)
    assert sketch.unpack(packed) == buckets
    assert sketch.merge(packed, sketch.pack({})) == packed


def _unmatched(path: str, status: int) -> TrafficLog:
    return TrafficLog(request_id="r", path=path, method="GET", status_code=status)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from([200, 404])), max_size=80), st.data())
def test_capped_endpoints_do_not_depend_on_the_order(
    found: list[tuple[int, int]], data: st.DataObject
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overview, "MAX_GROUPS", 7)
        shuffled = data.draw(st.permutations(found))
        cut = data.draw(st.integers(0, len(found)))
        whole = fold([_unmatched(f"/p{chr(97 + n)}x", s) for n, s in found])
        parts = [_unmatched(f"/p{chr(97 + n)}x", s) for n, s in shuffled]
        merged = merge(fold(parts[:cut]), fold(parts[cut:]))
        rows = list(overview.rows(ENDPOINTS, whole))
        assert rows == list(overview.rows(ENDPOINTS, merged))
        kept = {(row[1], str(row[3])[0] == "4") for row in rows if row[1] != OTHER}
        assert sum(is_error for _, is_error in kept) <= 7
        assert sum(not is_error for _, is_error in kept) <= 7
        requests = ENDPOINTS.table.columns.index("requests")
        assert sum(int(row[requests]) for row in rows) == len(found)
