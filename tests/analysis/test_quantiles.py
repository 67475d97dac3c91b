from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from perfectcv_traffic.analysis.frames import Frames
from perfectcv_traffic.analysis.quantiles import MAXIMUM, MINIMUM, quantiles
from perfectcv_traffic.record import TrafficLog

Make = Callable[..., TrafficLog]
Build = Callable[..., Frames]
ALL = {"p0": MINIMUM, "p50": 500, "p95": 950, "p100": MAXIMUM}


def _whole(frames: Frames) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.zeros(len(frames.requests), dtype=np.int64)


def test_quantiles_are_the_nearest_rank(make_record: Make, build_frames: Build) -> None:
    records = [make_record(response_time_ms=float(ms)) for ms in range(1, 101)]
    built = build_frames(records)

    row = quantiles(built, _whole(built), ALL).iloc[0]

    assert row["p0"] == 1
    assert row["p50"] == pytest.approx(50, rel=0.01)
    assert row["p95"] == pytest.approx(95, rel=0.01)
    assert row["p100"] == 100


def test_quantiles_of_one_request_are_its_duration(make_record: Make, build_frames: Build) -> None:
    built = build_frames([make_record(response_time_ms=12.345)])

    assert quantiles(built, _whole(built), ALL).iloc[0].tolist() == [12.345] * 4


def test_quantiles_keep_groups_apart(make_record: Make, build_frames: Build) -> None:
    records = [make_record(status_code=200, response_time_ms=1.0)] * 3
    records += [make_record(status_code=500, response_time_ms=9.0)]
    built = build_frames(records)

    table = quantiles(built, np.array([0, 1]), {"p50": 500})

    assert table["p50"].tolist() == [1.0, 9.0]


def test_quantiles_leave_cells_without_a_group_out(make_record: Make, build_frames: Build) -> None:
    records = [make_record(status_code=code, response_time_ms=float(code)) for code in (200, 500)]
    built = build_frames(records)

    assert quantiles(built, np.array([-1, 0]), ALL)["p50"].tolist() == [500.0]


def test_quantiles_of_a_group_without_durations_are_nan(
    make_record: Make, build_frames: Build
) -> None:
    records = [make_record(status_code=200), make_record(status_code=500, response_time_ms=None)]
    built = build_frames(records)

    table = quantiles(built, np.array([0, 1]), ALL)

    assert table.loc[0].notna().all()
    assert table.loc[1].isna().all()


def test_quantiles_of_nothing_are_an_empty_table(build_frames: Build) -> None:
    built = build_frames()

    assert quantiles(built, _whole(built), ALL).empty
