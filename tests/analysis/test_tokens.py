from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from perfectcv_traffic.analysis.frames import Frames
from perfectcv_traffic.analysis.tokens import (
    status_by_token_presence,
    token_presence,
    token_usage_by_hour,
    token_validity,
)
from perfectcv_traffic.record import TrafficLog

Make = Callable[..., TrafficLog]
Build = Callable[..., Frames]

EVERY_VALIDITY = ("absent", "valid", "invalid", "unknown", None)


def test_token_presence_takes_every_kind_of_token_for_one(
    make_record: Make, build_frames: Build
) -> None:
    built = build_frames([make_record(token_validity=validity) for validity in EVERY_VALIDITY])

    table = token_presence(built)

    assert table["token_presence"].tolist() == ["with token", "without token", "not recorded"]
    assert table["requests"].tolist() == [3, 1, 1]
    assert table["share_of_requests"].tolist() == [0.6, 0.2, 0.2]


def test_token_validity_lists_every_state(make_record: Make, build_frames: Build) -> None:
    built = build_frames([make_record(token_validity=validity) for validity in EVERY_VALIDITY])

    table = token_validity(built)

    names = ["absent", "valid", "invalid", "unknown", "not recorded"]
    assert table["token_validity"].tolist() == names
    assert table["requests"].tolist() == [1] * 5


def test_log_without_credentials_is_not_recorded_and_never_without_token(
    make_record: Make, build_frames: Build
) -> None:
    built = build_frames([make_record(token_validity=None)] * 3)

    assert token_presence(built)["requests"].tolist() == [0, 0, 3]
    assert token_usage_by_hour(built)["without_token"].tolist() == [0]
    assert token_usage_by_hour(built)["share_with_token"].isna().all()


def test_token_usage_by_hour_splits_each_hour(make_record: Make, build_frames: Build) -> None:
    late = "2026-11-21T23:00:00.000000Z"
    records = [
        make_record(token_validity="absent"),
        make_record(),
        make_record(),
        make_record(timestamp=late, token_validity=None),
        make_record(timestamp=None),
    ]

    table = token_usage_by_hour(build_frames(records))

    hours = [pd.Timestamp("2026-11-21T22:00Z"), pd.Timestamp("2026-11-21T23:00Z")]
    assert table["hour"].tolist()[:2] == hours
    assert table["hour"].isna().tolist() == [False, False, True]
    assert table["with_token"].tolist() == [2, 0, 1]
    assert table["without_token"].tolist() == [1, 0, 0]
    assert table["token_not_recorded"].tolist() == [0, 1, 0]
    assert table["requests"].tolist() == [3, 1, 1]
    assert table["share_with_token"].tolist()[0] == 2 / 3


def test_status_by_token_presence_shares_out_each_presence(
    make_record: Make, build_frames: Build
) -> None:
    records = [
        make_record(status_code=200),
        make_record(status_code=500),
        make_record(token_validity="absent", status_code=401),
    ]

    table = status_by_token_presence(build_frames(records))

    assert table.to_numpy().tolist() == [
        ["with token", "2xx", 1, 0.5],
        ["with token", "5xx", 1, 0.5],
        ["without token", "4xx", 1, 1.0],
    ]
