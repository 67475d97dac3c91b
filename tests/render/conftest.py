"""Results to render: ordinary, none, a single request, many long names, hostile names."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

import pandas as pd
import pytest

from perfectcv_traffic.analysis import recent
from perfectcv_traffic.analysis.catalogue import analyze
from perfectcv_traffic.analysis.frames import Extras, Health, frames
from perfectcv_traffic.analysis.rows import of_summary
from perfectcv_traffic.record import NullDetail, TokenValidity, TrafficLog
from perfectcv_traffic.summary.summary import Summary

Results = dict[str, pd.DataFrame]

HOSTILE = (
    "/<script>alert(1)</script>",
    "/price/$x_1$/{a^2}",
    "/\x1b[31mred\x1b[0m\x07",
    "/" + "a/" * 5000,
    "/مستخدمين/{id}",
    "/用户/{id}/简历",
    "/[bold red]x[/]",
    "/evil\u202egnp.exe",
    "/\U000f0000/\ud800/\u200b",
    "/line\nbreak\ttab",
)
LONG = tuple(
    f"/api/v1/organisations/{{organisation_id}}/departments/{{department_id}}/resource_{n:02d}"
    for n in range(50)
)


def _traffic(routes: Sequence[str], hours: int) -> Iterable[TrafficLog]:
    chance = random.Random(7)  # the same traffic every time
    null = NullDetail(field_name="n", field_path="team[].n", location="json_body", kind="json_null")
    for number in range(4 * len(routes) * hours):
        validity = chance.choice([*TokenValidity, None])
        yield TrafficLog(
            request_id=str(number),
            timestamp=f"2026-11-{1 + number // 24 % 28:02d}T{number % hours:02d}:00:00.000000Z",
            method=chance.choice(["GET", "POST"]),
            path=routes[number % len(routes)],
            route=routes[number % len(routes)],
            status_code=chance.choice([200, 200, 200, 401, 404, 500, 299, 999, None]),
            token_validity=validity,
            auth_required=True,
            response_time_ms=chance.lognormvariate(3, 1),
            response_bytes=chance.randrange(10**6),
            null_params_count=int(number % 11 == 0),
            null_params_details=[null] * (number % 11 == 0),
            scenario=chance.choice([None, "no_token"]),
        )


def _results(records: Iterable[TrafficLog], health: Health) -> Results:
    summary, latest = Summary(), []
    for record in records:
        summary.add(record)
        latest.append(recent.values(record))
    return analyze(frames(of_summary(summary), health, Extras(recent=latest)))


_HEALTH = Health(ingested=3, rejected=2, first_request="2026-11-01T00:00:00.000000Z")
_ONE = TrafficLog(
    request_id="1", timestamp="2026-11-21T22:05:00.000000Z", status_code=200, response_time_ms=0.0
)
VARIANTS: dict[str, Callable[[], Results]] = {
    "ordinary": lambda: _results(_traffic(("/health", "/users/{id}", "/resumes"), 24), _HEALTH),
    "long": lambda: _results(_traffic(LONG, 20), _HEALTH),
    "hostile": lambda: _results(_traffic(HOSTILE, 5), _HEALTH),
    "one": lambda: _results([_ONE], Health()),
    "timeless": lambda: _results([TrafficLog(request_id="1")], Health()),
    "empty": lambda: _results([], Health()),
}


@pytest.fixture(scope="session", params=VARIANTS)
def any_results(request: pytest.FixtureRequest) -> Results:
    """Each variant in turn."""
    return VARIANTS[request.param]()


@pytest.fixture(scope="session")
def ordinary() -> Results:
    """A day of three endpoints."""
    return VARIANTS["ordinary"]()


@pytest.fixture(scope="session")
def hostile() -> Results:
    """Names that somebody chose to do harm."""
    return VARIANTS["hostile"]()


@pytest.fixture(scope="session")
def long_names() -> Results:
    """50 endpoints with names of 80 characters."""
    return VARIANTS["long"]()


@pytest.fixture(scope="session")
def empty() -> Results:
    """No traffic at all."""
    return VARIANTS["empty"]()


@pytest.fixture(scope="session")
def many_findings(ordinary: Results) -> Results:
    """One rule broken in 300 places, another in one."""
    one = ordinary["findings"].iloc[[0]].assign(rule="PT101", title="Open")
    places = [one.assign(path=f"/open/{n}") for n in range(300)]
    last = one.assign(rule="PT303", title="Burst", path="/burst")
    return {**ordinary, "findings": pd.concat([*places, last], ignore_index=True)}
