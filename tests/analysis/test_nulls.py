from __future__ import annotations

from collections.abc import Callable
from typing import Any

from perfectcv_traffic.analysis.frames import Frames
from perfectcv_traffic.analysis.nulls import null_hot_spots
from perfectcv_traffic.record import NullDetail, TrafficLog

Make = Callable[..., TrafficLog]
Build = Callable[..., Frames]
Nulls = Callable[..., dict[str, Any]]


def test_null_hot_spots_count_requests_and_nulls_by_status(
    make_record: Make, build_frames: Build, null_in: Nulls
) -> None:
    records = [
        make_record(status_code=500, **null_in("items[0].name", "items[1].name")),
        make_record(status_code=200, **null_in("items[0].name")),
    ]

    table = null_hot_spots(build_frames(records))

    assert table["field_path"].tolist() == ["items[].name"]
    assert table["requests"].tolist() == [2]
    assert table["occurrences"].tolist() == [3]
    assert table[["status_2xx", "status_5xx"]].to_numpy().tolist() == [[1, 1]]
    assert table["server_error_rate"].tolist() == [0.5]


def test_null_hot_spots_put_what_fails_first(
    make_record: Make, build_frames: Build, null_in: Nulls
) -> None:
    records = [make_record(**null_in("harmless"))] * 3
    records += [make_record(status_code=500, **null_in("deadly"))]

    assert null_hot_spots(build_frames(records))["field_path"].tolist() == ["deadly", "harmless"]


def test_null_hot_spots_keep_requests_and_responses_apart(
    make_record: Make, build_frames: Build, null_in: Nulls
) -> None:
    detail = NullDetail(field_name="a", field_path="a", location="json_body", kind="json_null")
    response = {"null_response_count": 1, "null_response_details": [detail]}

    table = null_hot_spots(build_frames([make_record(**null_in("a"), **response)]))

    assert table["source"].tolist() == ["request", "response"]


def test_null_hot_spots_keep_kinds_apart(
    make_record: Make, build_frames: Build, null_in: Nulls
) -> None:
    records = [make_record(**null_in("a", kind=kind)) for kind in ("json_null", "empty")]

    assert null_hot_spots(build_frames(records))["kind"].tolist() == ["empty", "json_null"]
