"""The rules that recorded traffic is judged by, declared once; ids are shared with `generate`.

Recorded traffic shows how often something happens, a probe why: where both have a rule, the
severities may differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from perfectcv_traffic.rules import rule

MIN_LIFT = 2.0
"""How many times as often requests must fail with a null as without one."""
MIN_FAILURES = 3
"""Failures with a null that it takes where requests without a null fail as well."""
MIN_REFUSALS = 20
MIN_REFUSED_SHARE = 0.5
"""Of a client's requests, with at least so many refusals: it guesses."""
MIN_ADDRESSES = 5
"""Addresses that one person's token rarely has among the latest requests."""
MIN_BURST = 10
MIN_BURST_SHARE = 0.5
"""Failures 5xx of an endpoint within a minute, and their share of its requests then."""
MIN_TIMED = 20
SLOWER = 2.0
"""Timed requests on both sides that it takes to call a p95 grown, and how much it must grow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficRule:
    """What recorded traffic proves."""

    id: str
    severity: str
    title: str
    expected: str
    when: str
    """What it takes to be a finding."""
    meaning: str
    fix: str


UNPROTECTED: Final = TrafficRule(
    id="PT101",
    severity="error",
    title=rule("PT101").title,
    expected="401 or 403",
    when="an endpoint that declares authentication answered 2xx without a valid token",
    meaning=rule("PT101").meaning,
    fix=rule("PT101").fix,
)
FAILS_ON_NULL: Final = TrafficRule(
    id="PT201",
    # Not the error that it is of `generate`, which sends the same request with and without.
    severity="warning",
    title=rule("PT201").title,
    expected="2xx, or a 4xx that names the field",
    when=(
        f"requests with a null in a field fail 5xx, at least {MIN_LIFT:g} times as often as those"
        " without any null"
    ),
    meaning="Where there is a null there is often a crash; whether it is why, a probe shows.",
    fix=rule("PT201").fix,
)
GUESSING: Final = TrafficRule(
    id="PT301",
    severity="warning",
    title="Client was refused again and again",
    expected=f"fewer than {MIN_REFUSALS} answers 401 or 403",
    when=(
        f"a client address was refused (401, 403) {MIN_REFUSALS} times or more, in"
        f" {MIN_REFUSED_SHARE:.0%} of its requests or more"
    ),
    meaning="Somebody tries tokens or passwords, or a client goes on with one that has expired.",
    fix="Look at its requests; limit the rate of refusals for each address, and lock out guessers.",
)
SHARED_TOKEN: Final = TrafficRule(
    id="PT302",
    severity="warning",
    title="One token was used from many addresses",
    expected=f"fewer than {MIN_ADDRESSES} addresses",
    when=f"one valid token was sent from {MIN_ADDRESSES} addresses or more",
    meaning="The token leaked, or several programs share one and none of them can be told apart.",
    fix="Revoke it, give each program its own, and let tokens expire.",
)
BURST: Final = TrafficRule(
    id="PT303",
    severity="error",
    title="Burst of server errors",
    expected=f"fewer than {MIN_BURST} a minute",
    when=(
        f"an endpoint failed 5xx {MIN_BURST} times or more within a minute, in"
        f" {MIN_BURST_SHARE:.0%} of its requests or more"
    ),
    meaning="Something that the endpoint needs was not there, or a change broke it.",
    fix="Look at the error messages of that minute (analyze --only failing_requests).",
)
SLOWED: Final = TrafficRule(
    id="PT304",
    severity="warning",
    title="p95 doubled against the earlier traffic",
    expected=f"less than {SLOWER:g} times as long",
    when=(
        f"the p95 of an endpoint is {SLOWER:g} times that of the traffic it is compared with or"
        f" more, with {MIN_TIMED} timed requests on either side"
    ),
    meaning="Answers got slower: more data, a missing index, a slower dependency.",
    fix="Look at its slowest requests (analyze --only slowest_requests --path ...).",
)

TRAFFIC_RULES: Final = (UNPROTECTED, FAILS_ON_NULL, GUESSING, SHARED_TOKEN, BURST, SLOWED)


def traffic_rule(rule_id: str) -> TrafficRule | None:
    """The rule of this id, in any case, as recorded traffic knows it."""
    return next((one for one in TRAFFIC_RULES if one.id == rule_id.upper()), None)
