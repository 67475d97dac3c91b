"""The table of scenarios: what is changed in a valid request, and what must come back.

A scenario is data: a credential, the places where one thing is changed, and the statuses that are
expected. A further scenario is a row in `SCENARIOS`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.generate.credentials import CredentialUse
from perfectcv_traffic.generate.draft import Draft
from perfectcv_traffic.generate.openapi import Json, Location
from perfectcv_traffic.generate.operations import Operation

MAX_PLACES = 500
"""Places of one body that are changed, outer ones first."""

Place: TypeAlias = tuple[str | int, ...]
"""Steps to one value of a request: `("query", "page")`, `("body", "team", "players", 0)`."""

WHOLE_REQUEST: Final[Place] = ()


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


def pointer(place: Place) -> str | None:
    """A place as a JSON pointer below the request: `/body/team/players/0`."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in place)
    return "".join(f"/{step}" for step in steps) or None


def nulled(draft: Draft, place: Place) -> Draft:
    """`draft` with null at one place, everything else untouched."""
    if place[0] == "body":
        return replace(draft, body=_with_null(draft.body, place[1:]), has_body=True)
    location = Location(str(place[0]))
    changed = {**draft.values[location], str(place[1]): None}
    return replace(draft, values={**draft.values, location: changed})


def emptied(draft: Draft, place: Place) -> Draft:
    """`draft` with an empty text in one parameter."""
    location = Location(str(place[0]))
    changed = {**draft.values[location], str(place[1]): ""}
    return replace(draft, values={**draft.values, location: changed})


def without_field(draft: Draft, place: Place) -> Draft:
    """`draft` without one field or item of its body; a body that has none is left out."""
    if len(place) == 1:
        return replace(draft, body=None, has_body=False)
    return replace(draft, body=_without(draft.body, place[1:]))


def _without(value: Json, steps: Place) -> Json:
    copy = value.copy()
    if len(steps) == 1:
        del copy[steps[0]]
    else:
        copy[steps[0]] = _without(value[steps[0]], steps[1:])
    return copy


def _with_null(value: Json, steps: Place) -> Json:
    if not steps:
        return None
    copy = value.copy()
    copy[steps[0]] = _with_null(value[steps[0]], steps[1:])
    return copy


def _query_places(draft: Draft) -> tuple[Place, ...]:
    return tuple(("query", one.name) for one in draft.operation.parameters_in(Location.QUERY))


def _body_places(draft: Draft) -> tuple[Place, ...]:
    """The whole body, then every property and item, the outer ones first; values already null
    are no place."""
    places: list[Place] = []
    waiting: deque[tuple[Place, Json]] = deque([(("body",), draft.body)])
    while waiting and len(places) < MAX_PLACES:
        place, value = waiting.popleft()
        places.append(place)
        waiting.extend(((*place, step), part) for step, part in _parts(value) if part is not None)
    return tuple(places)


def _body_place(_draft: Draft) -> tuple[Place, ...]:
    return (("body",),)


def _field_places(draft: Draft) -> tuple[Place, ...]:
    # A body without fields is null or missing as a whole.
    return _body_places(draft)[1:] or (("body",),)


def _path_places(draft: Draft) -> tuple[Place, ...]:
    return tuple(("path", one.name) for one in draft.operation.parameters_in(Location.PATH))


def _parts(value: Json) -> Iterable[tuple[str | int, Json]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _whole_request(_draft: Draft) -> tuple[Place, ...]:
    return (WHOLE_REQUEST,)


def _unchanged(draft: Draft, _place: Place) -> Draft:
    return draft


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
        places=_whole_request,
        change=_unchanged,
    ),
    Scenario(
        name="no_token",
        meaning="a valid request without any credential",
        credential=CredentialUse.NONE,
        applies=_has_security,
        expects=_refused_where_secured,
        places=_whole_request,
        change=_unchanged,
    ),
    Scenario(
        name="invalid_token",
        meaning="a valid request with a wrong credential",
        credential=CredentialUse.INVALID,
        applies=_has_security,
        expects=_refused_where_secured,
        places=_whole_request,
        change=_unchanged,
    ),
    Scenario(
        name="malformed_token",
        meaning="a valid request with something that is no credential",
        credential=CredentialUse.MALFORMED,
        applies=_has_security,
        expects=_refused_where_secured,
        places=_whole_request,
        change=_unchanged,
    ),
    Scenario(
        name="empty_token",
        meaning="a valid request with an empty credential",
        credential=CredentialUse.EMPTY,
        applies=_has_security,
        expects=_refused_where_secured,
        places=_whole_request,
        change=_unchanged,
    ),
    Scenario(
        name="wrong_scheme",
        meaning="a valid request with the credential under another scheme",
        credential=CredentialUse.WRONG_SCHEME,
        applies=_has_security,
        expects=_refused_where_secured,
        places=_whole_request,
        change=_unchanged,
    ),
    Scenario(
        name="expired_token",
        meaning="a valid request with a token that has expired",
        credential=CredentialUse.EXPIRED,
        applies=_has_security,
        expects=_refused_where_secured,
        places=_whole_request,
        change=_unchanged,
    ),
    Scenario(
        name="forged_token",
        meaning="a valid request with a token that nobody signed",
        credential=CredentialUse.FORGED,
        applies=_has_security,
        expects=_refused_where_secured,
        places=_whole_request,
        change=_unchanged,
    ),
    Scenario(
        name="low_role",
        meaning="a request for a higher role with the token of a lower one",
        credential=CredentialUse.LOW_ROLE,
        applies=_needs_scopes,
        expects=_refused_where_secured,
        places=_whole_request,
        change=_unchanged,
    ),
    Scenario(
        name="null_query",
        meaning="the text null in one query parameter",
        credential=CredentialUse.VALID,
        applies=_has_query,
        expects=_no_crash,
        places=_query_places,
        change=nulled,
    ),
    Scenario(
        name="empty_query",
        meaning="one query parameter without a value",
        credential=CredentialUse.VALID,
        applies=_has_query,
        expects=_no_crash,
        places=_query_places,
        change=emptied,
    ),
    Scenario(
        name="null_path",
        meaning="the text null in one path parameter",
        credential=CredentialUse.VALID,
        applies=_has_path,
        expects=_no_crash,
        places=_path_places,
        change=nulled,
    ),
    Scenario(
        name="null_body",
        meaning="null instead of the body",
        credential=CredentialUse.VALID,
        applies=_has_body,
        expects=_no_crash,
        places=_body_place,
        change=nulled,
    ),
    Scenario(
        name="null_field",
        meaning="null in one place of the body",
        credential=CredentialUse.VALID,
        applies=_has_body,
        expects=_no_crash,
        places=_field_places,
        change=nulled,
        is_full=True,
    ),
    Scenario(
        name="missing_field",
        meaning="a body without one of its fields",
        credential=CredentialUse.VALID,
        applies=_has_body,
        expects=_no_crash,
        places=_field_places,
        change=without_field,
        is_full=True,
    ),
)
