"""Findings from behaviour: each rule on its limit, and silent on test traffic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from perfectcv_traffic.analysis.findings import findings
from perfectcv_traffic.analysis.frames import Frames
from perfectcv_traffic.record import TrafficLog

Make = Callable[..., TrafficLog]
Build = Callable[..., Frames]


def refused(make: Make, number: int, **changes: Any) -> list[TrafficLog]:
    fields = {"status_code": 401, "token_validity": "invalid", "client_ip": "10.0.0.1"}
    return [make(**(fields | changes)) for _ in range(number)]


def test_client_that_is_refused_again_and_again_is_found(
    make_record: Make, build_frames: Build
) -> None:
    records = refused(make_record, 20) + [make_record(client_ip="10.0.0.1") for _ in range(20)]

    (found,) = findings(build_frames(records)).to_dict("records")

    assert (found["rule"], found["severity"], found["pointer"]) == (
        "PT301", "warning", "client 10.0.0.1",
    )  # fmt: skip
    assert found["observed"] == "20 of 40 requests were refused"
    assert found["evidence"] == "19 18 17"


@pytest.mark.parametrize(
    ("refusals", "others"), [(19, 0), (20, 21)], ids=["too few", "mostly let in"]
)
def test_client_that_is_sometimes_refused_is_none(
    make_record: Make, build_frames: Build, refusals: int, others: int
) -> None:
    records = refused(make_record, refusals)
    records += [make_record(client_ip="10.0.0.1") for _ in range(others)]

    assert findings(build_frames(records)).empty


def test_test_traffic_is_meant_to_be_refused_and_to_fail(
    make_record: Make, build_frames: Build
) -> None:
    here = {"client_ip": "127.0.0.1"}
    records = refused(make_record, 30, scenario="no_token", **here)
    records += [make_record(status_code=500, scenario="null_body", **here) for _ in range(30)]

    assert findings(build_frames(records)).empty


@pytest.mark.parametrize(
    ("run", "rules"), [("known", []), ("made-up", ["PT301"]), (None, ["PT301"])]
)
def test_stranger_who_calls_itself_test_traffic_is_not_believed(
    make_record: Make, build_frames: Build, run: str | None, rules: list[str]
) -> None:
    records = refused(make_record, 30, scenario="valid", run_id=run)

    table = findings(build_frames(records, runs=[("known", 30, 30, 0, 0)]))

    assert table["rule"].tolist() == rules


@pytest.mark.parametrize(
    ("token", "addresses", "found"),
    [("abcd...wxyz", 5, True), ("abcd...wxyz", 4, False), ("***", 9, False), ("", 9, False)],
)
def test_token_from_many_addresses_is_found_if_it_can_be_told_apart(
    make_record: Make, build_frames: Build, token: str, addresses: int, found: bool
) -> None:
    records = [make_record(api_token=token, client_ip=f"10.0.0.{n}") for n in range(addresses)]

    table = findings(build_frames(records))

    assert table["pointer"].tolist() == (["token abcd...wxyz"] if found else [])


def test_burst_tells_the_worst_minute_of_an_endpoint(
    make_record: Make, build_frames: Build
) -> None:
    def failing(minute: int, number: int) -> list[TrafficLog]:
        at = f"2026-11-21T22:{minute:02d}:30.000000Z"
        return [make_record(timestamp=at, status_code=503) for _ in range(number)]

    records = failing(1, 10) + failing(2, 12) + failing(3, 9)

    (found,) = findings(build_frames(records)).to_dict("records")

    assert (found["rule"], found["path"], found["requests"]) == ("PT303", "/users/{id}", 12)
    assert found["observed"] == (
        "12 of 12 requests within the minute 2026-11-21 22:02 UTC failed 5xx"
    )


def test_p95_that_doubled_is_found(make_record: Make, build_frames: Build) -> None:
    before = build_frames([make_record(response_time_ms=10.0) for _ in range(20)])
    now = [make_record(response_time_ms=20.5) for _ in range(20)]

    (found,) = findings(build_frames(now, previous=before)).to_dict("records")

    assert (found["rule"], found["method"], found["path"]) == ("PT304", "GET", "/users/{id}")
    assert found["observed"] == "p95 20.5 ms, before 10.0 ms: 2.0 times as long"
    assert findings(build_frames(now[:19], previous=before)).empty


@pytest.mark.parametrize(
    ("route", "place"),
    [("/a b", (None, "/a b")), ("/users/{id}", (None, "/users/{id}")), ("(other)", None)],
)
def test_p95_of_an_endpoint_without_a_method_or_of_others(
    make_record: Make, build_frames: Build, route: str, place: tuple[None, str] | None
) -> None:
    """What was added up as other ones is something else each time."""
    before = build_frames([make_record(method=None, route=route) for _ in range(20)])
    slow = [make_record(method=None, route=route, response_time_ms=50.0) for _ in range(20)]

    found = findings(build_frames(slow, previous=before)).to_dict("records")

    assert [(one["method"], one["path"]) for one in found] == ([place] if place else [])
