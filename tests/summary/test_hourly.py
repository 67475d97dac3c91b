"""The limit of groups by the hour keeps the same ones however the requests come."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfectcv_traffic.record import NullDetail, TrafficLog
from perfectcv_traffic.summary import hourly
from perfectcv_traffic.summary.hourly import Limit
from perfectcv_traffic.summary.overview import ENDPOINTS, NULL_FIELDS, OTHER
from perfectcv_traffic.summary.summary import Summary, merge
from perfectcv_traffic.summary.tables import NULLS, REQUESTS, Row

FEW = {REQUESTS.name: Limit(ENDPOINTS, (3, 2)), NULLS.name: Limit(NULL_FIELDS, (2, 2))}
HOURS = ("2026-11-21T10:00:00.000000Z", "2026-11-21T11:00:00.000000Z")


@pytest.fixture(autouse=True)
def _few_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hourly, "LIMITS", FEW)


def request(path: str, route: str | None, status: int | None, hour: str) -> TrafficLog:
    null = NullDetail(field_name=path, field_path=path, location="query", kind="empty")
    return TrafficLog(
        request_id="r", timestamp=hour, method="GET", path=path, route=route,
        status_code=status, response_time_ms=1.0, null_params_count=1, null_params_details=[null],
    )  # fmt: skip


requests = st.builds(
    request,
    st.sampled_from(["/", "(other)", *(f"/{name}" for name in "abcdefghi")]),
    st.none() | st.sampled_from(["/users/{id}", "/a", "(other)"]),
    st.none() | st.sampled_from([200, 404, 500]),
    st.sampled_from(HOURS),
)


def fold(found: list[TrafficLog]) -> Summary:
    summary = Summary()
    summary.add_all(found)
    return summary


def limited(summary: Summary) -> Summary:
    """What a store has, as a summary to which more is added."""
    result = Summary()
    for table in (REQUESTS, NULLS):
        result.load(table, hourly.rows(table, summary))
    return result


def contents(summary: Summary) -> list[list[Row]]:
    return [list(hourly.rows(table, summary)) for table in (REQUESTS, NULLS)]


@given(st.lists(requests, max_size=40), st.data())
def test_hours_are_the_same_in_any_order_and_any_parts(
    found: list[TrafficLog], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(found))
    cut = data.draw(st.integers(0, len(found)))
    stored = limited(merge(limited(fold(shuffled[:cut])), fold(shuffled[cut:])))
    assert contents(stored) == contents(fold(found))


@given(st.lists(requests, max_size=40))
def test_no_hour_has_more_groups_than_wanted_and_no_request_is_lost(
    found: list[TrafficLog],
) -> None:
    rows = list(hourly.rows(REQUESTS, fold(found)))
    for hour in HOURS:
        unknown = [row for row in rows if row[0] == hour[:13] and not row[3] and row[2] != OTHER]
        assert len({row[2] for row in unknown if row[4] == 404}) <= 2
        assert len({row[2] for row in unknown if row[4] != 404}) <= 3
    assert sum(_requests(row) for row in rows) == len(found)


def test_routes_of_the_application_are_all_kept() -> None:
    found = [request("/", f"/route-{number}", 404, HOURS[0]) for number in range(50)]
    assert len(list(hourly.rows(REQUESTS, fold(found)))) == 50


def _requests(row: Row) -> int:
    value: Any = row[REQUESTS.columns.index("requests")]
    return int(value)
