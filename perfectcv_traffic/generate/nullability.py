"""Where a schema allows null, and which nulls of a value it forbids."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from perfectcv_traffic.errors import TargetError
from perfectcv_traffic.generate.fitting import MAX_CHOICES_DEPTH, fits
from perfectcv_traffic.generate.openapi import Document, Json, Schema
from perfectcv_traffic.generate.schemas import (
    admits_null,
    alternatives,
    flatten,
    with_alternative,
)

MAX_VALUES = 20_000
"""Values of one answer that are looked at."""
MAX_CHOICES: Final = 500
"""Schemas that a value may have at one place."""
ANY_ITEM: Final = "*"
"""Stands for each item of a list, and for each name that the schema of an object does not tell."""

Step = str | int
Choices = tuple[Schema, ...]
"""Flat schemas of which one holds; empty where the document says nothing."""


class Nullability:
    """The nullable places of one schema; what was worked out for a place is kept."""

    def __init__(self, document: Document, schema: Json) -> None:
        self._document = document
        self._schema = schema
        self._known: dict[tuple[Step, ...], Choices] = {(): self._choices((schema,))}

    def allows_null(self, place: tuple[Step, ...]) -> bool:
        """Whether null may stand at `place`; where nothing is declared anything may."""
        choices = self._at(general(place))
        return not choices or any(admits_null(schema) for schema in choices)

    def refuses(self, place: tuple[Step, ...], value: Json, changed: Json) -> bool:
        """Whether null at `place` makes a `changed` of `value` that the schema cannot mean: under
        another alternative of a union it may."""
        if self.allows_null(place):
            return False
        is_known = fits(self._document, self._schema, value)
        return not (is_known and fits(self._document, self._schema, changed))

    def forbidden(self, value: Json) -> list[tuple[Step, ...]]:
        """The places of nulls in `value` that may not be there, each once, with `*` for what the
        schema does not name."""
        found: dict[tuple[Step, ...], None] = {}
        waiting: list[tuple[tuple[Step, ...], Json]] = [((), value)]
        for _ in range(MAX_VALUES):
            if not waiting:
                break
            place, one = waiting.pop()
            if one is None and not self.allows_null(place):
                found[place] = None
            waiting.extend(self._parts(place, one))
        return sorted(found, key=str)

    def names(self, place: tuple[Step, ...], value: Json) -> list[str]:
        """The properties declared at `place` that a request may carry beside those of `value`."""
        choices = self._at(general(place))
        fitting = [one for one in choices if fits(self._document, one, value)]
        found = (one.get("properties") for one in fitting or choices)
        declared = {
            name: None
            for properties in found
            if isinstance(properties, dict)
            for name, part in properties.items()
            if not (isinstance(part, dict) and part.get("readOnly") is True)
        }
        return list(declared)

    def _at(self, place: tuple[Step, ...]) -> Choices:
        end = len(place)
        while place[:end] not in self._known:  # no recursion: answers are as deep as they like
            end -= 1
        for length in range(end, len(place)):
            parents = self._known[place[:length]]
            inner = [part for one in parents for part in _inner(one, place[length])]
            self._known[place[: length + 1]] = self._choices(tuple(inner))
        return self._known[place]

    def _parts(
        self, place: tuple[Step, ...], value: Json
    ) -> Iterator[tuple[tuple[Step, ...], Json]]:
        if isinstance(value, dict):
            declared = [one.get("properties") for one in self._at(place)]
            named = {name for one in declared if isinstance(one, dict) for name in one}
            for name, part in value.items():
                yield (*place, name if name in named else ANY_ITEM), part
        elif isinstance(value, list):
            yield from (((*place, ANY_ITEM), part) for part in value)

    def _choices(self, schemas: tuple[Json, ...]) -> Choices:
        every = (one for schema in schemas for one in self._expanded(schema, 0))
        try:
            found = tuple(islice(every, MAX_CHOICES + 1))
        except TargetError:
            return ()  # a broken schema says nothing
        return found if len(found) <= MAX_CHOICES else ()  # nor do unions of unions without end

    def _expanded(self, schema: Json, depth: int) -> Iterator[Schema]:
        flat = flatten(self._document, schema)
        options = alternatives(flat) if depth < MAX_CHOICES_DEPTH else ()
        if not options:
            yield flat
        for option in options:
            yield from self._expanded(with_alternative(self._document, flat, option), depth + 1)


def general(place: tuple[Step, ...]) -> tuple[Step, ...]:
    """A place with every index as `*`."""
    return tuple(ANY_ITEM if isinstance(step, int) else step for step in place)


def _inner(schema: Schema, step: Step) -> Iterator[Json]:
    properties = schema.get("properties")
    if isinstance(properties, dict) and step in properties:
        yield properties[step]
        return
    keywords = ("items", "additionalProperties") if step == ANY_ITEM else ("additionalProperties",)
    yield from (schema[one] for one in keywords if isinstance(schema.get(one), dict))
