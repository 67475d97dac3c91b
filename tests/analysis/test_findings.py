from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from perfectcv_traffic.analysis.findings import COLUMNS, findings
from perfectcv_traffic.analysis.frames import Frames
from perfectcv_traffic.record import TrafficLog

Make = Callable[..., TrafficLog]
Build = Callable[..., Frames]
Nulls = Callable[..., dict[str, Any]]


def test_protected_endpoint_that_answers_without_a_valid_token_is_found(
    make_record: Make, build_frames: Build
) -> None:
    records = [
        make_record(token_validity="absent"),
        make_record(token_validity="absent"),
        make_record(token_validity="invalid"),
        make_record(token_validity="absent", status_code=401),
        make_record(token_validity="valid"),
    ]

    table = findings(build_frames(records))

    assert table.to_dict("records") == [
        {
            "rule": "PT101",
            "severity": "error",
            "method": "GET",
            "path": "/users/{id}",
            "pointer": "",
            "title": "Protected endpoint answered 2xx without a valid token",
            "requests": 3,
            "observed": (
                "3 of 4 requests without a valid token were answered 2xx"
                " (2 sent none, 1 an invalid one)"
            ),
            "expected": "401 or 403",
            "evidence": "2 1 0",
        }
    ]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"token_validity": "absent", "status_code": 401}, id="refused"),
        pytest.param({"token_validity": "absent", "auth_required": False}, id="open endpoint"),
        pytest.param({"token_validity": "absent", "auth_required": None}, id="not known"),
        pytest.param({"token_validity": "unknown"}, id="nobody checked the token"),
        pytest.param({"token_validity": None}, id="token not recorded"),
        pytest.param({"token_validity": "absent", "status_code": 307}, id="redirected"),
        pytest.param({"token_validity": "absent", "status_code": 500}, id="failed"),
        pytest.param({"token_validity": "absent", "status_code": None}, id="no answer"),
    ],
)
def test_what_does_not_prove_an_open_door_is_no_finding(
    make_record: Make, build_frames: Build, changes: dict[str, Any]
) -> None:
    assert findings(build_frames([make_record(**changes)])).empty


def test_field_whose_null_fails_is_found(
    make_record: Make, build_frames: Build, null_in: Nulls
) -> None:
    records = [make_record(method="POST", status_code=500, **null_in("team.name"))] * 2
    records += [make_record(method="POST", status_code=422, **null_in("team.name"))]
    records += [make_record(method="POST")] * 7

    (found,) = findings(build_frames(records)).to_dict("records")

    assert (found["rule"], found["severity"]) == ("PT201", "warning")
    assert (found["method"], found["path"], found["pointer"]) == (
        "POST",
        "/users/{id}",
        "team.name",
    )
    assert found["requests"] == 2
    assert found["observed"] == (
        "2 of 3 requests with json_null there (json_body) failed 5xx; of 7 without any null 0 did"
    )


def test_kinds_of_null_in_one_field_are_one_finding(
    make_record: Make, build_frames: Build, null_in: Nulls
) -> None:
    records = [make_record(method="POST", status_code=500, **null_in("a", kind="empty"))] * 3
    records += [make_record(method="POST", status_code=500, **null_in("a", kind="null_text"))] * 2
    records += [make_record(method="POST")] * 7

    (found,) = findings(build_frames(records)).to_dict("records")

    assert found["requests"] == 5
    assert found["observed"] == (
        "3 of 3 requests with empty there and 2 of 2 requests with null_text there (json_body)"
        " failed 5xx; of 7 without any null 0 did"
    )


def test_request_with_two_kinds_of_null_in_a_list_counts_once(
    make_record: Make, build_frames: Build, null_in: Nulls
) -> None:
    one, other = null_in("a[]", kind="empty"), null_in("a[]", kind="json_null")
    both = one["null_params_details"] + other["null_params_details"]
    records = [
        make_record(status_code=500, null_params_count=2, null_params_details=both)
        for _ in range(4)
    ]

    (found,) = findings(build_frames([*records, make_record()])).to_dict("records")

    assert found["requests"] == 4


def test_finding_says_how_much_oftener_a_null_fails(
    make_record: Make, build_frames: Build, null_in: Nulls
) -> None:
    records = [make_record(status_code=500, **null_in("a"))] * 4
    records += [make_record(status_code=500)] + [make_record()] * 9

    (observed,) = findings(build_frames(records))["observed"]

    assert observed.endswith("of 10 without any null 1 did, 10.0 times as often")


def test_endpoint_that_fails_anyway_is_no_null_finding(
    make_record: Make, build_frames: Build, null_in: Nulls
) -> None:
    records = [make_record(status_code=500, **null_in("a"))] * 4
    records += [make_record(status_code=500)] * 4

    assert findings(build_frames(records)).empty


def test_few_failures_prove_nothing_where_requests_without_null_fail_too(
    make_record: Make, build_frames: Build, null_in: Nulls
) -> None:
    records = [make_record(status_code=500, **null_in("a"))] * 2
    records += [make_record(status_code=500)] + [make_record()] * 9

    assert findings(build_frames(records)).empty


def test_null_without_anything_to_compare_with_is_no_finding(
    make_record: Make, build_frames: Build, null_in: Nulls
) -> None:
    assert findings(build_frames([make_record(status_code=500, **null_in("a"))] * 5)).empty


def test_findings_come_by_severity_then_by_requests(
    make_record: Make, build_frames: Build, null_in: Nulls
) -> None:
    records = [make_record(status_code=500, **null_in("a"))] * 5 + [make_record()]
    records += [make_record(route="/one", token_validity="absent")]
    records += [make_record(route="/two", token_validity="absent")] * 2

    table = findings(build_frames(records))

    assert table["rule"].tolist() == ["PT101", "PT101", "PT201"]
    assert table["path"].tolist() == ["/two", "/one", "/users/{id}"]


def test_no_traffic_has_no_findings(build_frames: Build) -> None:
    table = findings(build_frames())

    assert table.empty
    assert tuple(table.columns) == COLUMNS


def test_null_that_only_comes_along_with_a_failing_one_is_not_blamed(
    make_record: Make, build_frames: Build, null_in: Nulls
) -> None:
    records = [make_record() for _ in range(200)]
    records += [make_record(status_code=500, **null_in("x")) for _ in range(10)]
    records += [make_record(**null_in("y")) for _ in range(90)]
    records += [make_record(status_code=500, **null_in("x", "y")) for _ in range(10)]

    assert findings(build_frames(records))["pointer"].tolist() == ["x"]


def test_nulls_that_fail_by_themselves_are_all_found(
    make_record: Make, build_frames: Build, null_in: Nulls
) -> None:
    records = [make_record() for _ in range(20)]
    records += [make_record(status_code=500, **null_in("x")) for _ in range(3)]
    records += [make_record(status_code=500, **null_in("y")) for _ in range(2)]
    records += [make_record(**null_in("y")) for _ in range(2)]
    records += [make_record(route="/other", status_code=500, **null_in("p", "q"))]
    records += [make_record(route="/other")]

    found = findings(build_frames(records))

    assert sorted(found["pointer"]) == ["p", "q", "x", "y"]
