"""Totals, statuses, endpoints, scenarios and health, each on a handful of requests."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from perfectcv_traffic.analysis.endpoints import top_endpoints
from perfectcv_traffic.analysis.frames import Frames, Health
from perfectcv_traffic.analysis.health import gaps, health
from perfectcv_traffic.analysis.scenarios import scenarios
from perfectcv_traffic.analysis.statuses import status_classes, status_distribution
from perfectcv_traffic.analysis.totals import totals
from perfectcv_traffic.record import TrafficLog

Make = Callable[..., TrafficLog]
Build = Callable[..., Frames]


def test_totals_count_every_request_once(make_record: Make, build_frames: Build) -> None:
    records = [
        make_record(client_ip="10.0.0.1", request_bytes=10, response_bytes=100),
        make_record(client_ip="10.0.0.2", token_validity="absent", status_code=401),
        make_record(client_ip="10.0.0.2", token_validity=None, status_code=500, path="/b"),
        make_record(timestamp="2026-11-22T01:00:00.000000Z", status_code=None, complete=False),
    ]

    row = totals(build_frames(records)).iloc[0]

    assert row["requests"] == 4
    assert row[["with_token", "without_token", "token_not_recorded"]].tolist() == [2, 1, 1]
    assert row[["status_2xx", "status_4xx", "status_5xx", "no_response"]].tolist() == [1, 1, 1, 1]
    assert row["clients"] == 3
    assert row["endpoints"] == 1
    assert row[["request_bytes", "response_bytes", "incomplete"]].tolist() == [10, 100, 1]
    assert row["first_hour"] == pd.Timestamp("2026-11-21T22:00Z")
    assert row["last_hour"] == pd.Timestamp("2026-11-22T01:00Z")
    assert row["server_error_rate"] == 0.25


def test_totals_of_an_access_log_say_what_it_does_not_record(
    make_record: Make, build_frames: Build
) -> None:
    of_log = {"token_validity": None, "auth_required": None, "complete": None}
    records = [make_record(**of_log, request_bytes=None, response_bytes=100) for _ in range(2)]
    unknown = ["protected", "requests_with_null_response", "incomplete", "request_bytes"]

    row = totals(build_frames(records)).iloc[0]

    assert row[unknown].isna().all()
    assert row[["requests", "requests_with_null_params", "response_bytes"]].tolist() == [2, 0, 200]
    assert totals(build_frames([*records, make_record()])).iloc[0][unknown].notna().all()


def test_bytes_that_an_access_log_does_record_are_told(
    make_record: Make, build_frames: Build
) -> None:
    row = totals(build_frames([make_record(token_validity=None, request_bytes=7)])).iloc[0]

    assert row["request_bytes"] == 7


def test_totals_of_nothing_are_zero_and_have_no_rate(build_frames: Build) -> None:
    row = totals(build_frames()).iloc[0]

    assert row["requests"] == 0
    assert row[["first_hour", "last_hour", "server_error_rate"]].isna().all()


def test_status_distribution_has_a_row_for_each_code(
    make_record: Make, build_frames: Build
) -> None:
    codes = [200, 200, 404, None]
    table = status_distribution(build_frames([make_record(status_code=code) for code in codes]))

    assert table["status_code"].tolist()[:2] == [200, 404]
    assert table["status_code"].isna().tolist() == [False, False, True]
    assert table["status_class"].tolist() == ["2xx", "4xx", "no response"]
    assert table["requests"].tolist() == [2, 1, 1]
    assert table["share_of_requests"].tolist() == [0.5, 0.25, 0.25]


def test_status_classes_list_every_class(make_record: Make, build_frames: Build) -> None:
    table = status_classes(build_frames([make_record(status_code=code) for code in (204, 503)]))

    assert table["status_class"].tolist() == [
        "1xx", "2xx", "3xx", "4xx", "5xx", "other", "no response",
    ]  # fmt: skip
    assert table["requests"].tolist() == [0, 1, 0, 0, 1, 0, 0]


def test_top_endpoints_are_the_busiest_with_their_own_rates(
    make_record: Make, build_frames: Build
) -> None:
    records = [make_record(route="/busy", status_code=code) for code in (200, 200, 404, 500)]
    records += [make_record(route="/slow", response_time_ms=900.0, response_bytes=7)] * 2
    records += [make_record(route="/rare")]

    table = top_endpoints(build_frames(records), limit=2)

    assert table["endpoint"].tolist() == ["GET /busy", "GET /slow"]
    assert table["requests"].tolist() == [4, 2]
    assert table["share_of_requests"].tolist() == pytest.approx([4 / 7, 2 / 7])
    assert table["client_error_rate"].tolist() == [0.25, 0]
    assert table["server_error_rate"].tolist() == [0.25, 0]
    assert table["mean_ms"].tolist() == [10, 900]
    assert table["p95_ms"].tolist() == [10, 900]
    assert table["response_bytes"].tolist() == [0, 14]


def test_top_endpoints_that_tie_come_by_name(make_record: Make, build_frames: Build) -> None:
    built = build_frames([make_record(route=route) for route in ("/b", "/c", "/a")])

    assert top_endpoints(built)["endpoint"].tolist() == ["GET /a", "GET /b", "GET /c"]


def test_same_route_with_another_method_is_another_endpoint(
    make_record: Make, build_frames: Build
) -> None:
    built = build_frames([make_record(method=method) for method in ("GET", "PUT")])

    assert top_endpoints(built)["endpoint"].tolist() == ["GET /users/{id}", "PUT /users/{id}"]


def test_scenarios_keep_ordinary_traffic_apart(make_record: Make, build_frames: Build) -> None:
    records = [
        make_record(scenario="no_token", status_code=401),
        make_record(scenario="no_token", status_code=200),
        make_record(status_code=200),
    ]

    table = scenarios(build_frames(records))

    assert table["scenario"].isna().tolist() == [False, True]
    assert table["requests"].tolist() == [2, 1]
    assert table["status_2xx"].tolist() == [1, 1]
    assert table["status_4xx"].tolist() == [1, 0]


def test_health_says_what_became_of_the_lines(build_frames: Build) -> None:
    told = Health(ingested=9, rejected=2, first_request="2026-11-21T22:05:00.123456Z")

    row = health(build_frames(health=told)).iloc[0]

    assert row[["ingested", "rejected", "duplicates"]].tolist() == [9, 2, 0]
    assert row["first_request"] == pd.Timestamp("2026-11-21T22:05:00.123456Z")
    assert pd.isna(row["last_request"])


def test_health_says_what_was_lost_and_what_is_a_sample(
    make_record: Make, build_frames: Build
) -> None:
    records = [make_record(lost_before=3), make_record(weight=10.0), make_record(weight=10.0)]

    row = health(build_frames(records)).iloc[0]

    assert row[["lost", "kept_by_chance", "stand_for"]].tolist() == [3, 2, 20.0]


def test_gaps_name_only_what_is_missing(make_record: Make, build_frames: Build) -> None:
    def told(*records: TrafficLog, rejected: int = 0) -> list[str]:
        return gaps(health(build_frames(records, health=Health(rejected=rejected))))

    assert told(make_record()) == []
    assert told(make_record(), rejected=2) == ["2 log lines could not be read."]
    assert told(make_record(lost_before=3)) == ["Among the latest requests the recorder lost 3."]
    (sample,) = told(make_record(weight=10.0), make_record(weight=10.0), make_record())
    assert sample.startswith("Of the latest requests 2 are a sample that stands for 20.")
