"""Where a request is changed, and what is put there: pure functions of a draft."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, TypeAlias

from perfectcv_traffic.generate.draft import Draft
from perfectcv_traffic.generate.openapi import Json, Location

MAX_PLACES = 500
"""Places of one body that are changed, outer ones first."""

Place: TypeAlias = tuple[str | int, ...]
"""Steps to one value of a request: `("query", "page")`, `("body", "team", "players", 0)`."""

WHOLE_REQUEST: Final[Place] = ()


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


def query_places(draft: Draft) -> tuple[Place, ...]:
    """Every query parameter."""
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


def body_place(_draft: Draft) -> tuple[Place, ...]:
    """The body as a whole."""
    return (("body",),)


def field_places(draft: Draft) -> tuple[Place, ...]:
    """Every field and item of the body; the body itself if it has none."""
    # A body without fields is null or missing as a whole.
    return _body_places(draft)[1:] or (("body",),)


def path_places(draft: Draft) -> tuple[Place, ...]:
    """Every path parameter."""
    return tuple(("path", one.name) for one in draft.operation.parameters_in(Location.PATH))


def _parts(value: Json) -> Iterable[tuple[str | int, Json]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def whole_request(_draft: Draft) -> tuple[Place, ...]:
    """No place: the request as it is."""
    return (WHOLE_REQUEST,)


def unchanged(draft: Draft, _place: Place) -> Draft:
    """The draft as it is."""
    return draft
