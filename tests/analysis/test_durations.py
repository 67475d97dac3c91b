from __future__ import annotations

from collections.abc import Callable

import pytest

from perfectcv_traffic.analysis.durations import (
    duration_bands,
    duration_distribution,
    durations,
    endpoint_durations,
)
from perfectcv_traffic.analysis.frames import Frames
from perfectcv_traffic.record import TrafficLog

Make = Callable[..., TrafficLog]
Build = Callable[..., Frames]


def test_durations_give_the_exact_mean_and_deviation(
    make_record: Make, build_frames: Build
) -> None:
    times = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]
    built = build_frames([make_record(response_time_ms=ms) for ms in times])

    row = durations(built).iloc[0]

    assert row["timed"] == 8
    assert row["total_ms"] == 40
    assert row["mean_ms"] == 5
    assert row["std_ms"] == pytest.approx(2)
    assert row[["min_ms", "max_ms"]].tolist() == [2, 9]


def test_durations_leave_requests_without_a_time_out(
    make_record: Make, build_frames: Build
) -> None:
    built = build_frames([make_record(), make_record(status_code=500, response_time_ms=None)])

    row = durations(built).iloc[0]

    assert row["timed"] == 1
    assert row["mean_ms"] == 10


def test_deviation_of_equal_durations_is_zero_however_short(
    make_record: Make, build_frames: Build
) -> None:
    built = build_frames([make_record(response_time_ms=0.03)] * 5)

    assert durations(built)["std_ms"].tolist() == [0]


def test_durations_of_nothing_are_one_row_without_values(build_frames: Build) -> None:
    table = durations(build_frames())

    assert table["timed"].tolist() == [0]
    assert table.drop(columns="timed").iloc[0].isna().all()


def test_endpoint_durations_put_the_most_time_first(make_record: Make, build_frames: Build) -> None:
    records = [make_record(route="/often", response_time_ms=10.0)] * 10
    records += [make_record(route="/slow", response_time_ms=60.0)]
    records += [make_record(route="/untimed", response_time_ms=None)]

    table = endpoint_durations(build_frames(records))

    assert table["endpoint"].tolist() == ["GET /often", "GET /slow"]
    assert table["total_ms"].tolist() == [100, 60]
    assert table["p95_ms"].tolist() == [10, 60]


def test_duration_distribution_has_adjoining_bands_around_every_duration(
    make_record: Make, build_frames: Build
) -> None:
    times = [0.5, 3.0, 3.0, 400.0]
    built = build_frames([make_record(response_time_ms=ms) for ms in times])

    table = duration_distribution(built)

    assert table["from_ms"].tolist()[1:] == table["to_ms"].tolist()[:-1]
    assert table["timed"].sum() == 4
    for ms in times:
        band = table[(table["from_ms"] < ms) & (ms <= table["to_ms"])]
        assert band["timed"].iloc[0] == times.count(ms)


def test_duration_bands_meet_at_their_limits(make_record: Make, build_frames: Build) -> None:
    times = [99.9, 100.0, 499.9, 500.0, 999.9, 1000.0, 60_000.0]
    records = [make_record(status_code=200 + n, response_time_ms=ms) for n, ms in enumerate(times)]

    table = duration_bands(build_frames(records))

    assert table["band"].tolist() == [
        "< 100 ms", "100 to < 500 ms", "500 ms to < 1 s", ">= 1 s",
    ]  # fmt: skip
    assert table["timed"].tolist() == [1, 2, 2, 2]
    assert table["share_of_timed"].sum() == pytest.approx(1)
