"""What must hold for any traffic: the analyses agree with each other and with a plain count."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfectcv_traffic.analysis.catalogue import analyze
from perfectcv_traffic.analysis.counts import CLASS_COLUMNS
from perfectcv_traffic.analysis.endpoints import top_endpoints
from perfectcv_traffic.analysis.frames import Frames, Health, frames
from perfectcv_traffic.analysis.rows import of_summary
from perfectcv_traffic.record import NullDetail, TokenValidity, TrafficLog
from perfectcv_traffic.summary.summary import Summary

WITHIN_SKETCH = 0.01 + 1e-9
any_traffic = settings(deadline=None, max_examples=30)

times = st.one_of(
    st.none(),
    st.just("garbage"),
    st.datetimes().map(lambda moment: f"{moment.isoformat(timespec='microseconds')}Z"),
)
nulls = st.lists(
    st.builds(
        NullDetail,
        field_name=st.just("f"),
        field_path=st.sampled_from(["a", "b[0].c", "b[1].c"]),
        location=st.sampled_from(["query", "path", "form", "json_body"]),
        kind=st.sampled_from(["json_null", "null_text", "empty"]),
    ),
    max_size=3,
)
sizes = st.none() | st.integers(0, 10**9)


@st.composite
def traffic(draw: st.DrawFn) -> TrafficLog:
    params, response = draw(nulls), draw(nulls)
    return TrafficLog(
        request_id="x",
        timestamp=draw(times),
        method=draw(st.sampled_from(["GET", "POST", None])),
        path=draw(st.sampled_from(["/", "/users/1", "/\x1b[31m", "/用户", ""])),
        route=draw(st.sampled_from([None, "/users/{id}", ""])),
        status_code=draw(st.none() | st.integers(-1, 1000)),
        token_validity=draw(st.none() | st.sampled_from(TokenValidity)),
        auth_required=draw(st.sampled_from([True, False, None])),
        scenario=draw(st.sampled_from([None, "no_token", "null_params"])),
        response_time_ms=draw(st.none() | st.floats(0, 1e8) | st.floats(0, 1)),
        request_bytes=draw(sizes),
        response_bytes=draw(sizes),
        complete=draw(st.sampled_from([True, False, None])),
        null_params_count=len(params),
        null_params_details=params,
        null_response_count=len(response),
        null_response_details=response,
    )


logs = st.lists(traffic(), max_size=30)


def _frames(records: Sequence[TrafficLog]) -> Frames:
    summary = Summary()
    for record in records:
        summary.add(record)
    return frames(of_summary(summary), Health())


@given(logs)
@any_traffic
def test_every_analysis_counts_the_same_requests(records: list[TrafficLog]) -> None:
    built = _frames(records)
    results = analyze(built, _COUNTING)

    for name in _COUNTING:
        assert results[name]["requests"].sum() == len(records), name
    assert top_endpoints(built, limit=None)["requests"].sum() == len(records)
    assert built.clients["request_count"].sum() == len(records)
    assert built.urls["access_count"].sum() == len(records)


_COUNTING = (
    "totals",
    "status_distribution",
    "status_classes",
    "token_presence",
    "token_validity",
    "token_usage_by_hour",
    "status_by_token_presence",
    "scenarios",
)


@given(logs, st.lists(st.integers(0, 2), min_size=30, max_size=30))
@settings(deadline=None, max_examples=10)
def test_totals_of_any_parts_add_up_to_those_of_the_whole(
    records: list[TrafficLog], places: list[int]
) -> None:
    parts: list[list[TrafficLog]] = [[], [], []]
    for record, place in zip(records, places, strict=False):
        parts[place].append(record)
    whole, *some = (analyze(_frames(part), _ADDING) for part in (records, *parts))

    for name, columns in _ADDING.items():
        for column in columns:
            together = sum(one[name][column].sum() for one in some)
            assert together == whole[name][column].sum(), (name, column)


_CLASSES = tuple(CLASS_COLUMNS.values())
_ADDING = {
    "totals": (
        "requests", "generated", "with_token", "without_token", "token_not_recorded", *_CLASSES,
        "requests_with_null_params", "requests_with_null_response", "incomplete",
        "request_bytes", "response_bytes",
    ),
    "status_distribution": ("requests",),
    "traffic_over_time": ("requests", *_CLASSES),
    "token_usage_by_hour": ("requests", "with_token", "without_token", "token_not_recorded"),
    "null_hot_spots": ("requests", "occurrences", *_CLASSES),
    "duration_distribution": ("timed",),
    "durations": ("timed",),
    "scenarios": ("requests", *_CLASSES),
    "url_accesses": ("access_count",),
    "clients": ("requests",),
}  # fmt: skip
"""Columns that count requests of all rows together: the logs have fewer clients than are listed."""


@given(logs)
@any_traffic
def test_columns_that_spread_the_requests_add_up_to_them(records: list[TrafficLog]) -> None:
    results = analyze(_frames(records), _SPREADING)

    classes = ["status_1xx", "status_2xx", "status_3xx", "status_4xx", "status_5xx"]
    classes += ["status_other", "no_response"]
    presences = ["with_token", "without_token", "token_not_recorded"]
    for name in ("totals", "scenarios", "null_hot_spots"):
        assert results[name][classes].sum(axis=1).equals(results[name]["requests"]), name
    for name in ("totals", "token_usage_by_hour"):
        assert results[name][presences].sum(axis=1).equals(results[name]["requests"]), name


_SPREADING = ("totals", "scenarios", "null_hot_spots", "token_usage_by_hour")


@given(logs)
@any_traffic
def test_shares_of_a_whole_add_up_to_one(records: list[TrafficLog]) -> None:
    whole = ["status_distribution", "status_classes", "token_presence", "token_validity"]
    results = analyze(_frames(records), {*whole, *_TIMED, "status_by_token_presence"})

    for name in whole if records else []:
        assert results[name]["share_of_requests"].sum() == pytest.approx(1), name
    timed = results["durations"]["timed"].iloc[0]
    for name in ("duration_distribution", "duration_bands") if timed else ():
        assert results[name]["share_of_timed"].sum() == pytest.approx(1), name
    groups = results["status_by_token_presence"].groupby("token_presence")["share_of_presence"]
    assert all(share == pytest.approx(1) for share in groups.sum())


_TIMED = ("durations", "endpoint_durations", "duration_bands", "duration_distribution")


@given(logs)
@any_traffic
def test_every_analysis_of_durations_counts_the_same_requests(records: list[TrafficLog]) -> None:
    results = analyze(_frames(records), _TIMED)

    timed = sum(record.response_time_ms is not None for record in records)
    for name in _TIMED:
        assert results[name]["timed"].sum() == timed, name


@given(logs)
@any_traffic
def test_counts_equal_a_plain_count(records: list[TrafficLog]) -> None:
    results = analyze(_frames(records), ("token_validity", "totals"))

    validities = Counter(str(record.token_validity or "not recorded") for record in records)
    table = results["token_validity"]
    counted = dict(zip(table["token_validity"], table["requests"], strict=True))
    assert {name: number for name, number in counted.items() if number} == validities
    row = results["totals"].iloc[0]
    assert row["response_bytes"] == sum(record.response_bytes or 0 for record in records)
    assert row["requests_with_null_params"] == sum(bool(r.null_params_count) for r in records)
    assert row["generated"] == sum(record.scenario is not None for record in records)


@given(logs)
@any_traffic
def test_quantiles_are_ordered_within_the_extremes(records: list[TrafficLog]) -> None:
    results = analyze(_frames(records), ("durations", "endpoint_durations"))

    rows = pd.concat([results["durations"], results["endpoint_durations"]], ignore_index=True)
    ordered = rows.loc[
        rows["timed"] > 0, ["min_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "max_ms"]
    ]
    assert (ordered.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    known = rows[rows["timed"] > 0]
    assert known["mean_ms"].between(known["min_ms"], known["max_ms"]).all()
    assert (known["std_ms"] <= (known["max_ms"] - known["min_ms"]) / 2).all()


@given(st.lists(st.integers(1, 10**10), min_size=1, max_size=300))
@any_traffic
def test_quantiles_are_within_one_percent_of_the_nearest_rank(durations_us: list[int]) -> None:
    records = [
        TrafficLog(request_id="x", status_code=200 + us % 2, response_time_ms=us / 1000)
        for us in durations_us
    ]

    row = analyze(_frames(records), ("durations",))["durations"].iloc[0]

    exact = sorted(durations_us)
    for percent in (50, 90, 95, 99):
        expected_ms = exact[math.ceil(percent * len(exact) / 100) - 1] / 1000
        assert row[f"p{percent}_ms"] == pytest.approx(expected_ms, rel=WITHIN_SKETCH)
    assert row["min_ms"] == exact[0] / 1000
    assert row["max_ms"] == exact[-1] / 1000
    assert row["mean_ms"] == pytest.approx(sum(exact) / len(exact) / 1000)
