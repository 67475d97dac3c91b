"""Whether a value may be one of a schema: types, required and known properties, constants.

Lenient: what is not looked at (lengths, patterns, limits) holds. That is enough to tell which
alternative of a union a value is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

from perfectcv_traffic.errors import TargetError
from perfectcv_traffic.generate.openapi import Document, Json, Schema
from perfectcv_traffic.generate.schemas import (
    admits_null,
    alternatives,
    flatten,
    types_of,
    with_alternative,
)

MAX_CHOICES_DEPTH: Final = 6
MAX_TRIED: Final = 20_000
"""Schemas that are tried for one value, with all that is in it."""
_IS_OF: Final[dict[str, Callable[[Json], bool]]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str | bytes),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}


def fits(document: Document, schema: Json, value: Json) -> bool:
    """Whether `value` may be one of `schema`; true where the schema is broken, or has no end."""
    return _Fitting(document, count()).fits(schema, value)


@dataclass(frozen=True, slots=True)
class _Fitting:
    document: Document
    tried: Iterator[int]
    """Counts the schemas that values were held against."""

    def fits(self, schema: Json, value: Json, depth: int = 0) -> bool:
        if next(self.tried) >= MAX_TRIED:
            return True
        try:
            flat = flatten(self.document, schema)
            options = alternatives(flat) if depth < MAX_CHOICES_DEPTH else ()
            if options:
                merged = (with_alternative(self.document, flat, one) for one in options)
                return any(self.fits(one, value, depth + 1) for one in merged)
        except TargetError:
            return True
        return _is_allowed(flat, value) and all(
            self.fits(inner, part) for inner, part in _parts(flat, value)
        )


def _is_allowed(schema: Schema, value: Json) -> bool:
    """The value itself, whatever is in it."""
    if value is None:
        return admits_null(schema)
    if "const" in schema and value != schema["const"]:
        return False
    enum = schema.get("enum")
    if isinstance(enum, list) and value not in enum:
        return False
    names = types_of(schema)
    is_of_type = not names or any(_IS_OF.get(name, bool)(value) for name in names)
    return is_of_type and (not isinstance(value, dict) or _has_right_names(schema, value))


def _has_right_names(schema: Schema, value: dict[str, Json]) -> bool:
    required, properties = schema.get("required"), schema.get("properties")
    if isinstance(required, list) and not all(name in value for name in required):
        return False
    known = properties if isinstance(properties, dict) else {}
    return schema.get("additionalProperties") is not False or all(name in known for name in value)


def _parts(schema: Schema, value: Json) -> Iterable[tuple[Json, Json]]:
    if isinstance(value, list):
        items = schema.get("items")
        return [(items, one) for one in value] if isinstance(items, dict) else ()
    if not isinstance(value, dict):
        return ()
    properties, others = schema.get("properties"), schema.get("additionalProperties")
    known = properties if isinstance(properties, dict) else {}
    rest = others if isinstance(others, dict) else {}
    return [(known.get(name, rest), part) for name, part in value.items()]
