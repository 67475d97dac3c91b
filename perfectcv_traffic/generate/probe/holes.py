"""The places of a request where a value becomes null or empty, or is left out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from perfectcv_traffic.generate.draft import Draft
from perfectcv_traffic.generate.nullability import Nullability, Step, general
from perfectcv_traffic.generate.openapi import Document, Json, Location
from perfectcv_traffic.generate.operations import (
    FORM_MEDIA_TYPE,
    MULTIPART_MEDIA_TYPE,
    Operation,
    is_json,
)
from perfectcv_traffic.generate.own import is_identity, is_own_account
from perfectcv_traffic.generate.places import Place, pointer
from perfectcv_traffic.generate.probe.exchange import Case

MAX_BODY_HOLES: Final = 60
_FORMS: Final = (FORM_MEDIA_TYPE, MULTIPART_MEDIA_TYPE)
_EMPTY: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """One place, what is put there, and whether the schema forbids it."""

    place: Place
    value: Json
    scenario: str
    is_forbidden: bool = False
    """A null that no answer 2xx may follow; text in a URL or form is never one."""
    left_out: tuple[Place, ...] = ()
    """Optional places that are not sent at all; nothing is put anywhere then."""

    @property
    def pointer(self) -> str:
        """The place as a JSON pointer."""
        return pointer(self.place) or ""

    @property
    def label(self) -> str:
        """What is asked, in words."""
        if self.left_out:
            return f"{', '.join(filter(None, map(pointer, self.left_out)))} left out"
        return f"{'null' if self.value is None else 'empty value'} in {self.pointer}"


def reading_holes(operation: Operation) -> Iterator[Hole]:
    """Holes in query, path, header and cookie: text that nothing but a crash can speak against."""
    for parameter in operation.parameters_in(Location.QUERY):
        yield Hole(place=("query", parameter.name), value=None, scenario="null_query")
        yield Hole(place=("query", parameter.name), value=_EMPTY, scenario="empty_query")
    for parameter in operation.parameters_in(Location.PATH):
        yield Hole(place=("path", parameter.name), value=None, scenario="null_path")
    for location in (Location.HEADER, Location.COOKIE):
        for parameter in operation.parameters_in(location):
            yield Hole(
                place=(location.value, parameter.name), value=_EMPTY, scenario="empty_parameter"
            )


def absence(document: Document, draft: Draft, least: Draft) -> Iterator[Hole]:
    """One hole for everything optional at once, if the draft has more than `least`, which has
    nothing optional: a parameter that is not sent is often a None that nobody expects. So is a
    field, but where it may be null, null is put there anyway."""
    places = (
        *(
            (where.value, name)
            for where in (Location.QUERY, Location.HEADER, Location.COOKIE)
            for name in draft.values[where]
            if name not in least.values[where]
        ),
        *(("body", name) for name in _never_null_fields(document, draft, least)),
    )
    if places:
        place = places[0] if len(places) == 1 else ()
        yield Hole(place=place, value=None, scenario="absent_optional", left_out=places)


def _never_null_fields(document: Document, draft: Draft, least: Draft) -> Iterator[str]:
    """Optional fields of a body that null cannot be put in."""
    body = draft.operation.body
    if body is None or not isinstance(draft.body, dict) or not isinstance(least.body, dict):
        return
    schema = Nullability(document, body.schema)
    for name in (name for name in draft.body if name not in least.body):
        if not is_json(body.media_type) or schema.refuses(
            (name,), draft.body, _with(draft.body, (name,), None)
        ):
            yield name


def body_holes(document: Document, draft: Draft) -> Iterator[Hole]:
    """The whole body, then every property and item, outer ones first."""
    body = draft.operation.body
    if body is None:
        return
    schema = Nullability(document, body.schema)
    is_form = body.media_type in _FORMS
    spares = is_own_account(draft.operation)
    for place in _places(schema, draft.body, with_root=not is_form):
        if spares and place and is_identity(str(place[0])):
            continue
        forbidden = is_json(body.media_type) and schema.refuses(
            place, draft.body, _with(draft.body, place, None)
        )
        yield Hole(
            place=("body", *place),
            value=None,
            scenario="null_field" if place else "null_body",
            is_forbidden=forbidden and (bool(place) or body.required),
        )


def with_hole(case: Case, hole: Hole) -> Case:
    """`case` with one hole and nothing else changed."""
    ids = dict(case.ids)
    if hole.place[:1] == ("path",):
        ids.pop(str(hole.place[1]), None)
    return replace(
        case,
        draft=_bare(case.draft, hole.left_out) if hole.left_out else _filled(case.draft, hole),
        ids=ids,
        scenario=hole.scenario,
        label=hole.label,
        pointer=hole.pointer,
        expected="not 5xx" if not hole.is_forbidden else "4xx",
        expects=range(400 if hole.is_forbidden else 100, 500).__contains__,
        number="",
    )


def _filled(draft: Draft, hole: Hole) -> Draft:
    location, steps = str(hole.place[0]), hole.place[1:]
    if location == "body":
        return replace(draft, body=_with(draft.body, steps, hole.value), has_body=True)
    where = Location(location)
    values = {**draft.values[where], str(steps[0]): hole.value}
    return replace(draft, values={**draft.values, where: values})


def _bare(draft: Draft, left_out: tuple[Place, ...]) -> Draft:
    def rest(location: str, values: Mapping[str, Json]) -> dict[str, Json]:
        return {name: one for name, one in values.items() if (location, name) not in left_out}

    body = rest("body", draft.body) if isinstance(draft.body, dict) else draft.body
    values = {where: rest(where.value, values) for where, values in draft.values.items()}
    return replace(draft, values=values, body=body)


def _places(schema: Nullability, body: Json, *, with_root: bool) -> Iterator[tuple[Step, ...]]:
    seen: set[tuple[Step, ...]] = set() if with_root else {()}
    waiting: deque[tuple[tuple[Step, ...], Json]] = deque([((), body)])
    while waiting and len(seen) <= MAX_BODY_HOLES:
        place, value = waiting.popleft()
        # One item of a list stands for the others.
        if general(place) not in seen:
            seen.add(general(place))
            yield place
        waiting.extend(((*place, step), part) for step, part in _parts(schema, place, value))


def _parts(
    schema: Nullability, place: tuple[Step, ...], value: Json
) -> Iterable[tuple[Step, Json]]:
    if isinstance(value, dict):
        absent = {name: None for name in schema.names(place, value) if name not in value}
        return [*value.items(), *absent.items()]
    return list(enumerate(value))[:1] if isinstance(value, list) else ()


def _with(value: Json, steps: Place, hole: Json) -> Json:
    if not steps:
        return hole
    copy = value.copy()
    inner = value.get(steps[0]) if isinstance(value, dict) else value[int(steps[0])]
    copy[steps[0]] = _with(inner, steps[1:], hole)
    return copy
