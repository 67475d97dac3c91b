"""A valid value for a schema: the author's examples first, else the simplest that fits.

Deterministic for a given random source, and bounded for any schema: a recursive one is cut at
`FULL_DEPTH` by leaving optional parts out, and at `MAX_DEPTH` or `MAX_VALUES` by force.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from perfectcv_traffic.generate.fitting import fits
from perfectcv_traffic.generate.openapi import Document, Json, Schema
from perfectcv_traffic.generate.ranges import in_order
from perfectcv_traffic.generate.scalars import make_integer, make_number, make_text, number_in
from perfectcv_traffic.generate.schemas import (
    alternatives,
    flatten,
    is_null_only,
    types_of,
    with_alternative,
)

FULL_DEPTH = 6
"""Levels down to which optional properties and items are filled in."""
MAX_DEPTH = 32
FULL_VALUES = 300
"""Values after which optional properties and items are left out."""
MAX_VALUES = 3000
_ABSENT: Final = object()
_CONFIRMING: Final = re.compile("confirm(ation|ed)?|repeat(ed)?|retype|again", re.IGNORECASE)
_SCALARS: Final[dict[str, Callable[[Schema, Random], Json]]] = {
    "boolean": lambda _, rng: rng.choice((False, True)),
    "integer": make_integer,
    "null": lambda _, __: None,
    "number": make_number,
}


def make_value(
    document: Document,
    schema: Json,
    rng: Random,
    *,
    optional: bool = False,
    texts: Random | None = None,
) -> Json:
    """A value that `schema` allows; `optional` fills in optional properties and items too.

    Made-up texts come from `texts`, so that they can differ where every choice stays the same.
    """
    return _Maker(document, rng, texts or rng, optional).make(schema, 0)


@dataclass(slots=True)
class _Maker:
    document: Document
    rng: Random
    texts: Random
    optional: bool
    made: int = field(default=0, init=False)

    def make(self, schema: Json, depth: int) -> Json:
        self.made += 1
        if depth > MAX_DEPTH or self.made > MAX_VALUES:
            return None
        flat = flatten(self.document, schema)
        stated = _stated_value(flat, self.rng)
        if stated is not _ABSENT:
            return self.completed(stated, flat, depth)
        options = alternatives(flat)
        if options:
            chosen = self.choose(options, depth)
            alternative = with_alternative(self.document, flat, chosen)
            made = self.make(alternative, depth + 1)
            return self.discriminated(made, flat.get("discriminator"), chosen, alternative)
        return self.make_plain(flat, depth)

    def discriminated(self, made: Json, told: Json, chosen: Json, alternative: Schema) -> Json:
        """`made` with the name of its alternative, where the schema says that one property tells
        it: https://spec.openapis.org/oas/v3.1.0#discriminator-object."""
        name = told.get("propertyName") if isinstance(told, dict) else None
        reference = chosen.get("$ref") if isinstance(chosen, dict) else None
        if not (isinstance(made, dict) and isinstance(name, str) and isinstance(reference, str)):
            return made
        known = _name_of_alternative(told.get("mapping"), reference)
        properties = alternative.get("properties")
        part = properties.get(name) if isinstance(properties, dict) else None
        # What the alternative itself allows goes first: a number, or a name that none is mapped to.
        is_free = isinstance(made.get(name), str) and fits(self.document, part or {}, known)
        return {**made, name: known} if is_free else made

    def completed(self, stated: Json, schema: Schema, depth: int) -> Json:
        """An author's example with what it lacks of the required properties."""
        if not isinstance(stated, dict) or alternatives(schema):
            return stated
        properties, required = schema.get("properties"), schema.get("required")
        if not isinstance(properties, dict) or not isinstance(required, list):
            return stated
        lacking = [one for one in properties if one in required and one not in stated]
        return stated | {name: self.make(properties[name], depth + 1) for name in lacking}

    def make_plain(self, schema: Schema, depth: int) -> Json:
        types = types_of(schema)
        kind = next((name for name in types if name != "null"), "null" if types else "string")
        if kind == "object":
            return self.make_object(schema, depth)
        if kind == "array":
            return self.make_array(schema, depth)
        make = _SCALARS.get(kind)
        return make_text(schema, self.texts) if make is None else make(schema, self.rng)

    def choose(self, options: tuple[Json, ...], depth: int) -> Json:
        # Below the full depth `null` ends a recursion that a value would go on with.
        wants_null = not self.is_filling(depth)
        return next((one for one in options if is_null_only(one) == wants_null), options[0])

    def is_filling(self, depth: int) -> bool:
        return depth < FULL_DEPTH and self.made < FULL_VALUES

    def make_object(self, schema: Schema, depth: int) -> Json:
        properties = schema.get("properties")
        required = schema.get("required")
        names = {n for n in required if isinstance(n, str)} if isinstance(required, list) else ()
        fill = self.optional and self.is_filling(depth)
        made = {
            name: self.make(part, depth + 1)
            for name, part in (properties.items() if isinstance(properties, dict) else ())
            if (fill or name in names) and not _is_read_only(part)
        }
        made = in_order(_with_confirmations(made))
        return made | self.make_extra(schema, depth, missing=_count(schema, "minProperties", made))

    def make_extra(self, schema: Schema, depth: int, missing: int) -> dict[str, Json]:
        extra = schema.get("additionalProperties", True)
        if isinstance(extra, dict) and self.optional and self.is_filling(depth):
            missing = max(missing, 1 if "properties" not in schema else 0)
        return {f"key{number}": self.make(extra, depth + 1) for number in range(1, missing + 1)}

    def make_array(self, schema: Schema, depth: int) -> Json:
        prefix = schema.get("prefixItems")
        made = [self.make(one, depth + 1) for one in prefix] if isinstance(prefix, list) else []
        missing = _count(schema, "minItems", made)
        room = schema.get("maxItems") != 0 and schema.get("items", True) is not False
        if self.optional and room and not made and self.is_filling(depth):
            missing = max(missing, 1)
        for _ in range(missing):
            made.append(self.make_item(schema, made, depth))
        return made

    def make_item(self, schema: Schema, made: list[Json], depth: int) -> Json:
        item = self.make(schema.get("items", {}), depth + 1)
        for _ in range(MAX_DEPTH if schema.get("uniqueItems") is True else 0):
            if item not in made:
                break
            item = self.make(schema.get("items", {}), depth + 1)
        return item


def _stated_value(schema: Schema, rng: Random) -> Json:
    """What the document's author wrote down as a value, or `_ABSENT`."""
    if "const" in schema:
        return schema["const"]
    enum = schema.get("enum")
    if isinstance(enum, list) and enum:
        return rng.choice([value for value in enum if value is not None] or [None])
    if "example" in schema:
        return schema["example"]
    examples = schema.get("examples")
    if isinstance(examples, list) and examples:
        return examples[0]
    default = schema.get("default")
    # A default of null, [] or {} would leave nothing to look into.
    return default if isinstance(default, str | int | float) else _ABSENT


def _name_of_alternative(mapping: Json, reference: str) -> str:
    """What a discriminator calls the schema that `reference` points to."""
    last = reference.rpartition("/")[2]
    pairs = mapping.items() if isinstance(mapping, dict) else ()
    return next((key for key, to in pairs if to in (reference, last)), last)


def _with_confirmations(made: dict[str, Json]) -> dict[str, Json]:
    """`password_confirm` and the like get the value of what they confirm."""
    plain = {_bare(name): value for name, value in made.items() if not _CONFIRMING.search(name)}
    return {
        name: plain.get(_bare(name), value) if _CONFIRMING.search(name) else value
        for name, value in made.items()
    }


def _bare(name: str) -> str:
    return _CONFIRMING.sub("", name).strip("_-").lower()


def _is_read_only(schema: Json) -> bool:
    return isinstance(schema, dict) and schema.get("readOnly") is True


def _count(schema: Schema, keyword: str, made: dict[str, Json] | list[Json]) -> int:
    wanted = number_in(schema, keyword)
    return max(0, min(int(wanted), MAX_VALUES) - len(made)) if wanted is not None else 0
