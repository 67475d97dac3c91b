"""One schema seen flat: references followed, `allOf` merged, both OpenAPI dialects alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Final

from perfectcv_traffic.generate.openapi import Document, Json, Schema, quoted

MAX_ALL_OF_DEPTH = 16
MAX_ALL_OF_PARTS = 500
"""Parts of one schema in all: each may consist of parts, twice as many at each level."""

_IMPLIED_TYPES: Final = (
    ("properties", "object"),
    ("additionalProperties", "object"),
    ("items", "array"),
    ("prefixItems", "array"),
    ("minimum", "number"),
    ("maximum", "number"),
)


def flatten(document: Document, schema: Json) -> Schema:
    """`schema` with its `$ref` followed and its `allOf` merged; `anyOf` and `oneOf` stay."""
    return _flat(document, schema, count())


def _flat(document: Document, schema: Json, merged_parts: Iterator[int], depth: int = 0) -> Schema:
    flat = document.resolve(schema)
    parts = flat.get("allOf")
    if not parts:
        return flat
    if depth >= MAX_ALL_OF_DEPTH or not isinstance(parts, list):
        raise document.broken(f"allOf {quoted(parts)} cannot be merged")
    merged: Schema = {key: value for key, value in flat.items() if key != "allOf"}
    for part in parts:
        if next(merged_parts) >= MAX_ALL_OF_PARTS:
            raise document.broken(f"allOf {quoted(parts)} has too many parts within parts")
        merged = _merge(merged, _flat(document, part, merged_parts, depth + 1))
    return merged


def alternatives(schema: Schema) -> tuple[Json, ...]:
    """The schemas of which one must hold, `anyOf` before `oneOf`; empty when there is no choice."""
    for keyword in ("anyOf", "oneOf"):
        options = schema.get(keyword)
        if isinstance(options, list) and options:
            return tuple(options)
    return ()


def with_alternative(document: Document, schema: Schema, option: Json) -> Schema:
    """`schema` once one of its alternatives is chosen, flat."""
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
    return _merge(rest, flatten(document, option))


def types_of(schema: Schema) -> tuple[str, ...]:
    """The types a flat schema allows, `null` included; empty when it allows any."""
    stated = schema.get("type")
    names = [stated] if isinstance(stated, str) else stated if isinstance(stated, list) else []
    if not names:
        names = [name for keyword, name in _IMPLIED_TYPES if keyword in schema][:1]
    nullable = ["null"] if names and schema.get("nullable") is True else []
    return tuple(dict.fromkeys(name for name in [*names, *nullable] if isinstance(name, str)))


def is_null_only(schema: Json) -> bool:
    """Whether an alternative says no more than `null`."""
    if not isinstance(schema, dict):
        return False
    return schema.get("type") == "null" or schema.get("enum") == [None]


def admits_null(schema: Schema) -> bool:
    """Whether null is a value of a flat schema without alternatives."""
    if schema.get("nullable") is True:
        return True
    if "const" in schema:
        return schema["const"] is None
    enum = schema.get("enum")
    if isinstance(enum, list):
        return None in enum
    stated = schema.get("type")
    return "null" in stated if isinstance(stated, list) else stated in (None, "null")


def _merge(first: Schema, second: Schema) -> Schema:
    merged = {**first, **second}
    for keyword in first.keys() & second.keys():
        combine = _COMBINED.get(keyword)
        if combine is not None:
            merged[keyword] = combine(first[keyword], second[keyword])
    return merged


def _both_properties(first: Json, second: Json) -> Json:
    if not isinstance(first, dict) or not isinstance(second, dict):
        return second
    both = {name: {"allOf": [first[name], second[name]]} for name in first if name in second}
    return {**first, **second, **both}


def _union(first: Json, second: Json) -> Json:
    lists = isinstance(first, list) and isinstance(second, list)
    return [*first, *(item for item in second if item not in first)] if lists else second


def _intersection(first: Json, second: Json) -> Json:
    lists = isinstance(first, list) and isinstance(second, list)
    return [item for item in first if item in second] if lists else second


def _larger(first: Json, second: Json) -> Json:
    return max(first, second) if _are_numbers(first, second) else second


def _smaller(first: Json, second: Json) -> Json:
    return min(first, second) if _are_numbers(first, second) else second


def _are_numbers(first: Json, second: Json) -> bool:
    return isinstance(first, int | float) and isinstance(second, int | float)


_COMBINED: Final[dict[str, Callable[[Json, Json], Json]]] = {
    "properties": _both_properties,
    "required": _union,
    "enum": _intersection,
    "minimum": _larger,
    "exclusiveMinimum": _larger,
    "minLength": _larger,
    "minItems": _larger,
    "maximum": _smaller,
    "exclusiveMaximum": _smaller,
    "maxLength": _smaller,
    "maxItems": _smaller,
}
