from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from perfectcv_traffic.analysis.frames import Frames, Health, frames
from perfectcv_traffic.analysis.labels import NOT_RECORDED
from perfectcv_traffic.record import TrafficLog

Make = Callable[..., TrafficLog]
Build = Callable[..., Frames]


def test_request_has_its_keys_typed(make_record: Make, build_frames: Build) -> None:
    built = build_frames([make_record(scenario="no_token")])
    cell = built.requests.iloc[0]

    assert built.by_hour().requests["hour"].tolist() == [pd.Timestamp("2026-11-21T22:00", tz="UTC")]
    assert cell["endpoint"] == "GET /users/{id}"
    assert cell["status_code"] == 200
    assert cell["status_class"] == "2xx"
    assert cell["token_presence"] == "with token"
    assert cell["scenario"] == "no_token"
    assert bool(cell["auth_required"]) is True


def test_what_was_not_recorded_is_na_and_never_a_value(build_frames: Build) -> None:
    cell = build_frames([TrafficLog(request_id="1", path="/x")]).requests.iloc[0]

    unknown = cell[["method", "status_code", "auth_required", "scenario"]]
    assert unknown.isna().all()
    assert cell[["duration_us_min", "duration_us_max"]].isna().all()
    assert cell["endpoint"] == "/x"
    assert cell["status_class"] == "no response"
    assert cell["token_validity"] == NOT_RECORDED
    assert cell["token_presence"] == NOT_RECORDED


def test_route_that_needs_no_token_is_false_and_not_unknown(
    make_record: Make, build_frames: Build
) -> None:
    built = build_frames([make_record(auth_required=False)])

    assert built.requests["auth_required"].tolist() == [False]


def test_durations_belong_to_their_cells(make_record: Make, build_frames: Build) -> None:
    records = [
        make_record(status_code=200, response_time_ms=5.0),
        make_record(status_code=200, response_time_ms=5.0),
        make_record(status_code=404, response_time_ms=None),
        make_record(status_code=500, response_time_ms=7.0),
    ]
    built = build_frames(records)

    assert built.durations["cell"].tolist() == [0, 2]
    assert built.durations["count"].tolist() == [2, 1]
    assert built.durations["duration_us"].tolist() == [5000.0, 7000.0]


def test_status_numbers_outside_the_classes_are_other(
    make_record: Make, build_frames: Build
) -> None:
    built = build_frames([make_record(status_code=code) for code in (0, 99, 100, 599, 600, 999)])

    classes = dict(zip(built.requests["status_code"], built.requests["status_class"], strict=True))
    assert classes == {0: "other", 99: "other", 100: "1xx", 599: "5xx", 600: "other", 999: "other"}


def test_time_that_is_none_is_unknown(make_record: Make, build_frames: Build) -> None:
    built = build_frames([make_record(timestamp="garbage"), make_record(timestamp=None)])

    assert built.hours["hour"].isna().all()
    assert built.by_hour().requests["hour"].isna().all()


def test_no_rows_give_the_same_columns_and_types(make_record: Make, build_frames: Build) -> None:
    empty, some = frames({}, Health()), build_frames([make_record()])

    for name in ("requests", "durations", "nulls", "clients", "urls"):
        pd.testing.assert_series_equal(getattr(empty, name).dtypes, getattr(some, name).dtypes)
        assert getattr(empty, name).empty


def test_first_analysis_of_a_process_needs_no_chart_library(modules_after: Any) -> None:
    assert not {"matplotlib", "rich", "jinja2"} & modules_after(
        "perfectcv_traffic.analysis.catalogue"
    )
