"""Folding by columns is `Summary.add_all`, bit for bit, whatever the records."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfectcv_traffic.analysis.rows import HOURLY
from perfectcv_traffic.columns import durations, folding, requests, seen, times
from perfectcv_traffic.columns.folding import Folding
from perfectcv_traffic.record import NullDetail, TokenValidity, TrafficLog
from perfectcv_traffic.summary import overview, sketch
from perfectcv_traffic.summary.overview import ROLLUPS
from perfectcv_traffic.summary.summary import Summary, Tables
from perfectcv_traffic.summary.tables import LARGEST_SUM, REQUESTS, TABLES


def _null(name: str) -> NullDetail:
    return NullDetail(
        field_name=name, field_path=f"items[3].{name}", location="json_body", kind="json_null"
    )


def _text(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


usual_times = st.datetimes(datetime(2000, 1, 1), datetime(2799, 12, 31)).map(_text)
hours = st.sampled_from(["2026-11-21T10:00:00.000000Z", "2026-11-21T11:59:59.999999Z"])
odd_times = st.none() | st.sampled_from(
    ["", "2026-11-21T11:59:59.9Z", "1999-12-31T23:59:59.000000Z"]
)
usual_durations = st.floats(0, 1e6) | st.sampled_from([0.0005, 0.0015, 94_906.2656, 67_108.864])
odd_durations = st.sampled_from([-1.0, 1e9, 1e9 + 1, 1e7, 86_400_000.0])


def records(times: st.SearchStrategy[str | None], ms: st.SearchStrategy[float | None]) -> Any:
    details = st.lists(st.builds(_null, st.sampled_from("ab")), max_size=3)
    return st.builds(
        TrafficLog,
        request_id=st.just("r"),
        timestamp=times,
        method=st.none() | st.sampled_from(["GET", "POST"]),
        path=st.sampled_from(["/", "/users/1", "/users/2", "/x"]),
        route=st.none() | st.sampled_from(["/users/{id}", "/x"]),
        status_code=st.none() | st.sampled_from([200, 404, 429, 500]),
        token_validity=st.none() | st.sampled_from(TokenValidity),
        auth_required=st.none() | st.booleans(),
        complete=st.none() | st.booleans(),
        request_bytes=st.none() | st.integers(0, 10**10) | st.integers(0, 2**63 - 1),
        response_bytes=st.none() | st.integers(0, 2**63 - 1),
        response_time_ms=ms,
        api_token=st.none() | st.sampled_from(["", "***", "abcd...wxyz"]),
        client_ip=st.none() | st.sampled_from(["", "10.0.0.1", "::1"]),
        scenario=st.none() | st.just("null"),
        null_params_count=st.integers(0, 2),
        null_params_details=details,
        null_response_count=st.integers(0, 2),
        null_response_details=details,
    )


usual = records(hours | usual_times, st.none() | usual_durations)
odd = records(hours | odd_times, odd_durations)
batches = st.lists(st.lists(usual, max_size=8) | st.lists(usual | odd, max_size=4), max_size=5)


@pytest.fixture(autouse=True)
def _few_rows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few records go through everything that a million do."""
    monkeypatch.setattr(folding, "AT_ONCE", 7)
    for module in (requests, seen):
        monkeypatch.setattr(module, "_MERGE_FROM", 9)


def folded(found: Sequence[Sequence[TrafficLog]]) -> Folding:
    result = Folding()
    for some in found:
        result.add(some)
    return result


def added(found: Sequence[Sequence[TrafficLog]]) -> Summary:
    summary = Summary()
    for some in found:
        summary.add_all(some)
    return summary


def contents(found: Tables) -> dict[str, list[Any]]:
    tables = {table.name: list(found.rows(table)) for table in TABLES}
    return tables | {r.table.name: list(overview.rows(r, found)) for r in ROLLUPS}


@settings(max_examples=60)
@given(batches)
def test_folding_by_columns_equals_adding_records(found: list[list[TrafficLog]]) -> None:
    assert contents(folded(found)) == contents(added(found))
    assert contents(folded(found).summary()) == contents(added(found))


@settings(max_examples=40)
@given(batches)
def test_parts_of_a_folding_tell_what_all_of_it_tells(found: list[list[TrafficLog]]) -> None:
    parts, whole = folded(found), added(found)
    for rollup in ROLLUPS:
        reduced = list(overview.unranked_rows(rollup, parts.for_rollup(rollup)))
        assert reduced == list(overview.unranked_rows(rollup, whole))
    told = itemgetter(*map(REQUESTS.columns.index, HOURLY.columns))
    assert parts.columns_of_requests(HOURLY) == list(map(told, whole.rows(REQUESTS)))


@settings(max_examples=40)
@given(batches, batches)
def test_merged_foldings_equal_one_of_everything(
    first: list[list[TrafficLog]], second: list[list[TrafficLog]]
) -> None:
    total = Folding()
    for part in (folded(first), folded(second)):
        total.merge(pickle.loads(pickle.dumps(part)))
    assert contents(total) == contents(added([*first, *second]))
    assert total.span() == folded([*first, *second]).span()


def test_empty_folding_is_an_empty_summary() -> None:
    assert contents(Folding()) == contents(Summary())
    assert Folding().span() == (None, None)


def test_span_is_from_the_first_to_the_last_time_of_usual_and_odd_records() -> None:
    found = ["2026-11-21T10:00:00.000000Z", "2026", "2026-11-21T09:00:00.000000Z", None]
    folding = Folding()
    for time in found:
        folding.add([TrafficLog(request_id="r", timestamp=time)])
    assert folding.span() == ("2026", "2026-11-21T10:00:00.000000Z")


@given(st.lists(usual_times, min_size=1))
def test_times_as_integers_have_the_order_and_the_texts_of_times(texts: list[str]) -> None:
    joined = times.joined(texts)
    assert joined is not None
    numbers = times.encoded(joined)
    assert [texts[place] for place in np.argsort(numbers)] == sorted(texts)
    assert times.texts(numbers) == texts
    assert times.hour_texts(numbers // times.PER_HOUR) == [text[:13] for text in texts]


@pytest.mark.parametrize(
    "text",
    [None, "", "2026-11-21T10:00:00.00000Z", "2026-11-21 10:00:00.000000Z",
     "2026-11-21T10:00:00.00000\u0661Z", "1999-12-31T23:59:59.999999Z",
     "2800-01-01T00:00:00.000000Z", "2026-11-21T1::00:00.000000Z",
     "d026-11-21T10:00:00.000000Z", "2026-11-21T10:00:00.000000Z\n"],
)  # fmt: skip
def test_time_of_another_form_is_not_joined(text: str | None) -> None:
    assert times.joined([text]) is None
    assert times.joined(["2026-11-21T10:00:00.000000Z", text]) is None


@given(st.lists(st.integers(-1, 10**12), min_size=1))
def test_buckets_and_squares_of_many_equal_those_of_one(found: list[int]) -> None:
    known = [max(duration, 0) for duration in found]
    array = np.array(found, dtype=np.int64)
    assert durations.squares(array).tolist() == [
        min(round(one * one / 1000), LARGEST_SUM) for one in known
    ]
    assert durations.buckets(array).tolist() == [sketch.bucket(one) for one in known]


def test_buckets_agree_at_their_borders() -> None:
    borders = [int(sketch.GAMMA**power) for power in range(1, 1151)]
    near = np.array([max(1, border + step) for border in borders for step in (-1, 0, 1)])
    assert durations.buckets(near).tolist() == [sketch.bucket(int(one)) for one in near]


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_microseconds_of_many_equal_those_of_one(found: list[float]) -> None:
    rounded = durations.microseconds(np.array(found))
    assert rounded.tolist() == [round(milliseconds * 1000) for milliseconds in found]
