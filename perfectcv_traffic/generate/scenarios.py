"""The table of scenarios: what is changed in a valid request, and what must come back.

A scenario is data: a credential, the places where one thing is changed, and the statuses that are
expected. A further scenario is a row in `SCENARIOS`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from typing import Final

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.generate.credentials import CredentialUse
from perfectcv_traffic.generate.draft import Draft
from perfectcv_traffic.generate.openapi import Location
from perfectcv_traffic.generate.operations import Operation
from perfectcv_traffic.generate.places import (
    Place,
    body_place,
    emptied,
    field_places,
    nulled,
    path_places,
    query_places,
    unchanged,
    whole_request,
    without_field,
)


@dataclass(frozen=True, slots=True)
class Expectation:
    """The statuses that surprise nobody, and how they are called."""

    text: str
    statuses: Container[int]


# 429 says nothing about the scenario: a limiter may answer any request.
_REFUSALS: Final = frozenset({401, 403, 429})
REFUSED: Final = Expectation("401 or 403", _REFUSALS)
NO_CRASH: Final = Expectation("not 5xx", range(100, 500))
ADMITTED: Final = Expectation("neither 401 nor 5xx", frozenset(range(100, 500)) - {401})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One way to ask: pure functions from an operation to request variants and expectation."""

    name: str
    meaning: str
    credential: CredentialUse
    applies: Callable[[Operation], bool]
    expects: Callable[[Operation], Expectation]
    places: Callable[[Draft], tuple[Place, ...]]
    """Where the variants differ from the draft, in a stable order; never empty."""
    change: Callable[[Draft, Place], Draft]
    is_full: bool = False
    """Optional parts are filled in, or holes inside them would never be reached."""


def scenarios_named(names: Iterable[str]) -> tuple[Scenario, ...]:
    """The scenarios of these names in table order; all when none is named."""
    wanted = set(names)
    unknown = sorted(wanted - {scenario.name for scenario in SCENARIOS})
    if unknown:
        known = ", ".join(scenario.name for scenario in SCENARIOS)
        raise UsageError(f"unknown scenario {unknown[0]!r}; the scenarios are: {known}")
    return tuple(one for one in SCENARIOS if one.name in wanted or not wanted)


def _always(_operation: Operation) -> bool:
    return True


def _has_security(operation: Operation) -> bool:
    return bool(operation.schemes)


def _has_query(operation: Operation) -> bool:
    return bool(operation.parameters_in(Location.QUERY))


def _has_path(operation: Operation) -> bool:
    # The text null names no object, but a deletion that takes it for one could hit any.
    return operation.method != "DELETE" and bool(operation.parameters_in(Location.PATH))


def _needs_scopes(operation: Operation) -> bool:
    return any(one.scopes for option in operation.security for one in option)


def _has_body(operation: Operation) -> bool:
    return operation.body is not None


def _admitted_where_secured(operation: Operation) -> Expectation:
    # Without declared security a 401 may be the operation's own answer: a login that fails.
    return ADMITTED if operation.is_secured else NO_CRASH


def _refused_where_secured(operation: Operation) -> Expectation:
    # Where a credential is optional, ignoring a missing or wrong one is no mistake.
    return REFUSED if operation.is_secured else NO_CRASH


def _no_crash(_operation: Operation) -> Expectation:
    return NO_CRASH


SCENARIOS: Final = (
    Scenario(
        name="valid",
        meaning="a valid request with the right credential",
        credential=CredentialUse.VALID,
        applies=_always,
        expects=_admitted_where_secured,
        places=whole_request,
        change=unchanged,
    ),
    Scenario(
        name="no_token",
        meaning="a valid request without any credential",
        credential=CredentialUse.NONE,
        applies=_has_security,
        expects=_refused_where_secured,
        places=whole_request,
        change=unchanged,
    ),
    Scenario(
        name="invalid_token",
        meaning="a valid request with a wrong credential",
        credential=CredentialUse.INVALID,
        applies=_has_security,
        expects=_refused_where_secured,
        places=whole_request,
        change=unchanged,
    ),
    Scenario(
        name="malformed_token",
        meaning="a valid request with something that is no credential",
        credential=CredentialUse.MALFORMED,
        applies=_has_security,
        expects=_refused_where_secured,
        places=whole_request,
        change=unchanged,
    ),
    Scenario(
        name="empty_token",
        meaning="a valid request with an empty credential",
        credential=CredentialUse.EMPTY,
        applies=_has_security,
        expects=_refused_where_secured,
        places=whole_request,
        change=unchanged,
    ),
    Scenario(
        name="wrong_scheme",
        meaning="a valid request with the credential under another scheme",
        credential=CredentialUse.WRONG_SCHEME,
        applies=_has_security,
        expects=_refused_where_secured,
        places=whole_request,
        change=unchanged,
    ),
    Scenario(
        name="expired_token",
        meaning="a valid request with a token that has expired",
        credential=CredentialUse.EXPIRED,
        applies=_has_security,
        expects=_refused_where_secured,
        places=whole_request,
        change=unchanged,
    ),
    Scenario(
        name="forged_token",
        meaning="a valid request with a token that nobody signed",
        credential=CredentialUse.FORGED,
        applies=_has_security,
        expects=_refused_where_secured,
        places=whole_request,
        change=unchanged,
    ),
    Scenario(
        name="low_role",
        meaning="a request for a higher role with the token of a lower one",
        credential=CredentialUse.LOW_ROLE,
        applies=_needs_scopes,
        expects=_refused_where_secured,
        places=whole_request,
        change=unchanged,
    ),
    Scenario(
        name="null_query",
        meaning="the text null in one query parameter",
        credential=CredentialUse.VALID,
        applies=_has_query,
        expects=_no_crash,
        places=query_places,
        change=nulled,
    ),
    Scenario(
        name="empty_query",
        meaning="one query parameter without a value",
        credential=CredentialUse.VALID,
        applies=_has_query,
        expects=_no_crash,
        places=query_places,
        change=emptied,
    ),
    Scenario(
        name="null_path",
        meaning="the text null in one path parameter",
        credential=CredentialUse.VALID,
        applies=_has_path,
        expects=_no_crash,
        places=path_places,
        change=nulled,
    ),
    Scenario(
        name="null_body",
        meaning="null instead of the body",
        credential=CredentialUse.VALID,
        applies=_has_body,
        expects=_no_crash,
        places=body_place,
        change=nulled,
    ),
    Scenario(
        name="null_field",
        meaning="null in one place of the body",
        credential=CredentialUse.VALID,
        applies=_has_body,
        expects=_no_crash,
        places=field_places,
        change=nulled,
        is_full=True,
    ),
    Scenario(
        name="missing_field",
        meaning="a body without one of its fields",
        credential=CredentialUse.VALID,
        applies=_has_body,
        expects=_no_crash,
        places=field_places,
        change=without_field,
        is_full=True,
    ),
)
