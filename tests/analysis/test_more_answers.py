"""Clients, single requests, coverage, expectations, comparison, time: hand-made traffic."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from perfectcv_traffic.analysis import (
    clients,
    comparison,
    coverage,
    durations,
    endpoints,
    expectations,
    nulls,
    single,
    timeline,
    tokens,
    totals,
)
from perfectcv_traffic.analysis.frames import Frames
from perfectcv_traffic.record import TrafficLog

Make = Callable[..., TrafficLog]
Build = Callable[..., Frames]


def test_clients_are_counted_and_over_endpoints_and_hours(
    make_record: Make, build_frames: Build
) -> None:
    later = "2026-11-21T23:00:00.000000Z"
    records = [
        make_record(client_ip="10.0.0.1"),
        make_record(client_ip="10.0.0.1", route="/me"),
        make_record(client_ip="10.0.0.1", timestamp=later, status_code=429),
        make_record(client_ip="10.0.0.2", api_token="abcd...wxyz"),
    ]

    frames = build_frames(records)
    table = clients.clients(frames)

    assert table.drop(columns="last_request").to_dict("records") == [
        {"client": "10.0.0.1", "requests": 3, "share_of_requests": 0.75, "is_limited": True},
        {"client": "abcd...wxyz", "requests": 1, "share_of_requests": 0.25, "is_limited": False},
    ]
    assert table["last_request"][0] == pd.Timestamp(later)
    assert clients.client_hours(frames).to_dict("records") == [
        {
            "client": "10.0.0.1", "requests": 3, "endpoints": 2, "active_hours": 2,
            "peak_per_hour": 2, "limited_windows": 1,
        },
        {
            "client": "abcd...wxyz", "requests": 1, "endpoints": 1, "active_hours": 1,
            "peak_per_hour": 1, "limited_windows": 0,
        },
    ]  # fmt: skip


def test_user_agents_say_how_often_they_fail(make_record: Make, build_frames: Build) -> None:
    records = [make_record(user_agent="curl", client_ip=ip) for ip in ("1", "2")]
    records += [make_record(user_agent="curl", status_code=failed) for failed in (404, None)]
    records += [make_record(user_agent=None)]

    table = clients.user_agents(build_frames(records))

    assert table["user_agent"].fillna("-").tolist() == ["curl", "-"]
    assert table["requests"].tolist() == [4, 1]
    assert table["addresses"].tolist() == [2, 0]
    assert table["failed_rate"].tolist() == [0.5, 0]


def test_pressure_counts_what_a_limit_would_refuse(make_record: Make, build_frames: Build) -> None:
    def minute(number: int, requests: int) -> list[TrafficLog]:
        at = f"2026-11-21T22:{number:02d}:59.000000Z"
        return [make_record(timestamp=at, client_ip="10.0.0.1") for _ in range(requests)]

    frames = build_frames(minute(1, 5) + minute(2, 3) + minute(3, 4))

    assert clients.rate_limit_pressure(frames, limit=3).to_dict("records") == [
        {
            "client": "10.0.0.1", "minutes_over_limit": 2, "peak_per_minute": 5,
            "would_be_refused": 3,
        }
    ]  # fmt: skip
    assert clients.rate_limit_pressure(frames, limit=5).empty


def test_slowest_and_failing_requests_are_named(make_record: Make, build_frames: Build) -> None:
    records = [make_record(response_time_ms=float(n)) for n in range(12)]
    records += [make_record(status_code=500, error_message="boom", response_time_ms=None)]

    frames = build_frames(records)

    assert single.slowest_requests(frames)["duration_ms"].tolist() == [*range(11, 1, -1)]
    assert single.failing_requests(frames)[["request_id", "error_message"]].to_dict("records") == [
        {"request_id": "12", "error_message": "boom"}
    ]


def test_logins_by_uuid_are_counted(make_record: Make, build_frames: Build) -> None:
    records = [make_record(login_uuid="u1", client_ip="1"), make_record(login_uuid="u2")]
    records += [make_record(login_uuid="u1", status_code=401, client_ip="2"), make_record()]

    table = single.uuid_logins(build_frames(records))

    assert table[["login_uuid", "logins", "succeeded", "addresses"]].to_dict("records") == [
        {"login_uuid": "u1", "logins": 2, "succeeded": 1, "addresses": 2},
        {"login_uuid": "u2", "logins": 1, "succeeded": 1, "addresses": 0},
    ]


def test_paths_are_counted_as_requested(make_record: Make, build_frames: Build) -> None:
    records = [make_record(path=path) for path in ("/users/1", "/users/2", "/users/2")]

    table = single.url_accesses(build_frames(records))

    assert table[["path", "access_count"]].to_numpy().tolist() == [["/users/2", 2], ["/users/1", 1]]


def test_unmatched_paths_are_those_without_a_route(make_record: Make, build_frames: Build) -> None:
    records = [make_record(route=None, path=f"/old/{n}", status_code=404) for n in (1, 2)]

    table = coverage.unmatched_paths(build_frames([*records, make_record()]))

    assert table[["endpoint", "requests", "status_4xx"]].to_numpy().tolist() == [
        ["GET /old/{id}", 2, 2]
    ]


def test_document_and_traffic_are_held_against_each_other(
    make_record: Make, build_frames: Build
) -> None:
    documented = frozenset({("GET", "/users/{id}"), ("POST", "/never")})
    records = [make_record(), make_record(route="/hidden"), make_record(route=None, path="/no")]

    table = coverage.uncalled_routes(build_frames(records, documented=documented))

    assert table.to_numpy().tolist() == [
        ["POST /never", coverage.NEVER_CALLED, 0],
        ["GET /hidden", coverage.NOT_DOCUMENTED, 1],
    ]
    assert coverage.uncalled_routes(build_frames(records)).empty


def test_expectation_and_observation_are_held_against_each_other(build_frames: Build) -> None:
    generated = [
        ("no_token", "401", 401, 1, None, 1),
        ("no_token", "401", 200, 0, None, 1),
        ("no_token", "401", None, None, "ReadTimeout", 0),
        ("setup", None, None, None, None, 1),
    ]

    table = expectations.expectations(build_frames(generated=generated))

    assert table.fillna({"expected": "-"}).to_dict("records") == [
        {
            "scenario": "no_token", "expected": "401", "sent": 3, "as_expected": 1,
            "surprises": 1, "unanswered": 1, "not_recorded": 1, "surprise_rate": pytest.approx(1/3),
        },
        {
            "scenario": "setup", "expected": "-", "sent": 1, "as_expected": 0,
            "surprises": 0, "unanswered": 0, "not_recorded": 0, "surprise_rate": 0,
        },
    ]  # fmt: skip


def test_comparison_knows_new_and_gone_endpoints(make_record: Make, build_frames: Build) -> None:
    before = build_frames([make_record(), make_record(route="/gone")])
    now = build_frames(
        [make_record(response_time_ms=20.0), make_record(route="/new")], previous=before
    )

    table = comparison.comparison(now).set_index("endpoint")

    assert table["requests"].to_dict() == {"GET /users/{id}": 1, "GET /gone": 0, "GET /new": 1}
    assert table["requests_before"].to_dict() == {
        "GET /users/{id}": 1, "GET /gone": 1, "GET /new": 0,
    }  # fmt: skip
    assert table["p95_ratio"].iloc[0] == 2
    assert table["p95_ratio"].isna().sum() == 2


def test_time_tables_have_every_hour_with_traffic(make_record: Make, build_frames: Build) -> None:
    at = [f"2026-11-21T{hour}:00:00.000000Z" for hour in ("20", "22")]
    records = [make_record(timestamp=at[1], status_code=500, response_time_ms=50.0)]
    records += [make_record(timestamp=at[0]), make_record(timestamp=None, response_time_ms=None)]
    frames = build_frames(records)

    traffic, latency = timeline.traffic_over_time(frames), timeline.latency_over_time(frames)

    assert traffic["requests"].tolist() == [1, 1, 1]
    assert traffic["hour"].isna().tolist() == [False, False, True]
    assert traffic["server_error_rate"].tolist() == [0, 1, 0]
    assert latency["p95_ms"].tolist() == [10.0, 50.0]


def test_endpoints_are_ranked_by_time_p95_and_errors(
    make_record: Make, build_frames: Build
) -> None:
    records = [make_record(route="/often", response_time_ms=10.0) for _ in range(9)]
    records += [make_record(route="/slow", response_time_ms=50.0)]
    records += [make_record(route="/broken", status_code=500, response_time_ms=1.0)]
    frames = build_frames(records)

    assert endpoints.top_by_total_time(frames)["endpoint"].iloc[0] == "GET /often"
    assert endpoints.top_by_total_time(frames)["share_of_time"].iloc[0] == pytest.approx(90 / 141)
    assert endpoints.top_by_p95(frames)["endpoint"].iloc[0] == "GET /slow"
    assert endpoints.top_by_error_rate(frames)["endpoint"].tolist() == ["GET /broken"]


def test_invalid_tokens_have_reasons(make_record: Make, build_frames: Build) -> None:
    records = [make_record(token_validity="invalid", token_reason="expired") for _ in range(3)]
    records += [make_record(token_validity="invalid"), make_record()]

    table = tokens.token_reasons(build_frames(records))

    assert table["token_reason"].fillna("-").tolist() == ["expired", "-"]
    assert table["share_of_invalid"].tolist() == [0.75, 0.25]


def test_lift_says_how_much_oftener_requests_fail_given_the_null(
    make_record: Make, build_frames: Build, null_in: Callable[..., dict[str, object]]
) -> None:
    records = [make_record(status_code=500, **null_in("a"))] + [make_record() for _ in range(3)]

    assert nulls.null_hot_spots(build_frames(records))["lift"].tolist() == [4.0]


@pytest.mark.parametrize("damaged", [-5.0, 1e9 + 1])
def test_slowest_requests_leave_out_what_is_no_duration(
    make_record: Make, build_frames: Build, damaged: float
) -> None:
    frames = build_frames([make_record(response_time_ms=damaged), make_record()])

    slowest = single.slowest_requests(frames)["duration_ms"].tolist()

    assert slowest == durations.durations(frames)["max_ms"].tolist() == [10.0]


def test_endpoint_that_nobody_got_a_response_of_is_among_those_that_fail(
    make_record: Make, build_frames: Build
) -> None:
    records = [make_record(route="/hangs", status_code=None) for _ in range(3)]
    records += [make_record(route="/refuses", status_code=404), make_record(route="/fine")]
    frames = build_frames(records)

    failing = endpoints.top_by_error_rate(frames)

    assert failing["endpoint"].tolist() == ["GET /hangs", "GET /refuses"]
    assert failing["no_response"].tolist() == [3, 0]
    assert endpoints.top_endpoints(frames)["no_response"].tolist() == [3, 0, 0]


def test_totals_tell_test_requests_and_protected_ones(
    make_record: Make, build_frames: Build
) -> None:
    records = [make_record(scenario="no_token"), make_record(scenario="admin")]
    records += [make_record(auth_required=one) for one in (False, None)]

    row = totals.totals(build_frames(records)).iloc[0]

    assert row[["requests", "generated", "protected"]].tolist() == [4, 1, 2]
