from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from perfectcv_traffic.analysis.catalogue import analyze
from perfectcv_traffic.analysis.frames import Frames
from perfectcv_traffic.analysis.thresholds import Thresholds, judge
from perfectcv_traffic.cli.moments import share
from perfectcv_traffic.record import TrafficLog

Make = Callable[..., TrafficLog]
Build = Callable[..., Frames]


@pytest.fixture
def results(make_record: Make, build_frames: Build) -> dict[str, pd.DataFrame]:
    """20 requests of 10 ms: one fails, one carries a null, one is let in without a token."""
    records = [make_record() for _ in range(17)]
    records += [
        make_record(status_code=500, response_time_ms=1000.0),
        make_record(null_params_count=1),
        make_record(token_validity="absent"),
    ]
    return analyze(build_frames(records))


@pytest.mark.parametrize(
    ("thresholds", "holds"),
    [
        ({"min_requests": 20}, True),
        ({"min_requests": 21}, False),
        ({"max_error_rate": Decimal("0.05")}, True),
        ({"max_error_rate": Decimal("0.049")}, False),
        ({"max_null_rate": Decimal("0.05")}, True),
        ({"max_null_rate": Decimal(0)}, False),
        ({"max_p95_ms": 10.2}, True),
        ({"max_p95_ms": 9.8}, False),
        ({"no_auth_findings": True}, False),
        ({"no_findings": True}, False),
    ],
    ids=str,
)
def test_threshold_holds_up_to_its_limit(
    results: dict[str, pd.DataFrame], thresholds: dict[str, Any], holds: bool
) -> None:
    verdicts = judge(results, Thresholds(**thresholds))

    assert verdicts[-1].holds is holds
    assert all(verdict.holds for verdict in verdicts[:-1])


def test_every_violated_rule_is_told(results: dict[str, pd.DataFrame]) -> None:
    asked = Thresholds(
        min_requests=100,
        max_error_rate=Decimal(0),
        max_p95_ms=1,
        max_null_rate=Decimal(0),
        no_auth_findings=True,
    )

    verdicts = judge(results, asked)

    assert [(one.rule, one.holds) for one in verdicts] == [
        ("min-requests", False),
        ("max-error-rate", False),
        ("max-p95", False),
        ("max-rate-of-null", False),
        ("no-auth-findings", False),
    ]
    assert verdicts[1].observed == "1 of 20 requests failed 5xx (5.00%)"
    assert verdicts[4].observed == "1 finding: PT101 GET /users/{id} (request 19)"


def test_check_of_nothing_proves_nothing(build_frames: Build) -> None:
    results = analyze(build_frames())

    assert [one.holds for one in judge(results, Thresholds())] == [False]
    assert [one.holds for one in judge(results, Thresholds(min_requests=0))] == [True]
    assert not judge(results, Thresholds(min_requests=0, max_p95_ms=1))[1].holds


@pytest.mark.parametrize("percent", [7, 14, 28, 29, 55, 56, 57, 58])
def test_share_of_exactly_the_limit_holds(
    make_record: Make, build_frames: Build, percent: int
) -> None:
    records = [make_record(status_code=500 if n < percent else 200) for n in range(100)]
    asked = Thresholds(max_error_rate=share(f"{percent}%"))

    assert judge(analyze(build_frames(records)), asked)[-1].holds


def test_log_that_says_nothing_of_tokens_proves_nothing(
    make_record: Make, build_frames: Build
) -> None:
    records = [make_record(token_validity=None) for _ in range(2)]
    asked = Thresholds(no_auth_findings=True)

    verdict = judge(analyze(build_frames(records)), asked)[-1]

    assert not verdict.holds
    assert verdict.observed == "2 requests of which no log says whether they had a token"
    assert judge(analyze(build_frames([*records, make_record()])), asked)[-1].holds


def test_finding_is_named_by_its_client_or_its_field(
    make_record: Make, build_frames: Build, null_in: Callable[..., dict[str, Any]]
) -> None:
    records = [make_record(status_code=401, client_ip="10.0.0.1") for _ in range(20)]
    records += [make_record(status_code=500, **null_in("age")), make_record()]

    verdict = judge(analyze(build_frames(records)), Thresholds(no_findings=True))[-1]

    assert "PT301 client 10.0.0.1 (request 19)" in verdict.observed
    assert "PT201 GET /users/{id}, field age (request 20)" in verdict.observed


def test_no_finding_says_among_how_many_requests_there_could_be_one(
    make_record: Make, build_frames: Build
) -> None:
    records = [make_record(), make_record(auth_required=False), make_record(auth_required=None)]

    verdict = judge(analyze(build_frames(records)), Thresholds(no_auth_findings=True))[-1]

    assert verdict.holds
    assert verdict.observed == (
        "0 findings, of 1 requests to endpoints that declare authentication"
    )
