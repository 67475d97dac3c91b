"""The simplest text, number or integer within a schema's limits."""

from __future__ import annotations

import math
from random import Random

from perfectcv_traffic.generate.formats import FORMATS, word
from perfectcv_traffic.generate.openapi import Schema
from perfectcv_traffic.generate.patterns import matching_text

MAX_TEXT_CHARACTERS = 100_000
INTEGER_SPAN = 9
"""Integers stay near their bound: small ids and page numbers meet existing data."""


def make_integer(schema: Schema, rng: Random) -> int:
    """An integer within the bounds, near the lower one."""
    lowest, highest = _integer_bounds(schema)
    step = number_in(schema, "multipleOf")
    if step is not None and step >= 1:
        return int(_next_multiple(lowest, step))
    return rng.randint(lowest, max(lowest, min(lowest + INTEGER_SPAN, highest)))


def make_number(schema: Schema, rng: Random) -> float:
    """A number strictly within the bounds, so that exclusive ones hold too."""
    low, high = _lower_bound(schema), _upper_bound(schema)
    step = number_in(schema, "multipleOf")
    if step is not None and step > 0:
        return float(_next_multiple(step if low is None else low, step))
    if low is None:
        low = 1.0 if high is None else high - 10
    top = low + 10 if high is None else high
    share = rng.randint(1, 9) / 10
    # Each bound by itself: what lies between the largest floats is no number.
    return low * (1 - share) + top * share if math.isinf(top - low) else low + (top - low) * share


def make_text(schema: Schema, rng: Random) -> str | bytes:
    """A text of the format, or a word within the length limits; bytes for the content of a file."""
    if schema.get("format") == "binary" or "contentMediaType" in schema:
        return word(rng).encode()
    made = FORMATS.get(str(schema.get("format")))
    if made is not None:
        return made(rng)
    shortest, longest = number_in(schema, "minLength"), number_in(schema, "maxLength")
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        matching = matching_text(pattern, int(min(shortest or 0, MAX_TEXT_CHARACTERS)), rng)
        if matching is not None:
            return matching
    text = word(rng).ljust(int(min(shortest or 0, MAX_TEXT_CHARACTERS)), "x")
    return text if longest is None else text[: max(0, int(longest))]


def number_in(schema: Schema, keyword: str) -> float | None:
    """The finite number that a keyword states, if it states one."""
    value = schema.get(keyword)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def _integer_bounds(schema: Schema) -> tuple[int, int]:
    low, high = _lower_bound(schema), _upper_bound(schema)
    lowest = None if low is None else math.ceil(low)
    highest = None if high is None else math.floor(high)
    if lowest is not None and lowest == _exclusive(schema, "minimum"):
        lowest += 1
    if highest is not None and highest == _exclusive(schema, "maximum"):
        highest -= 1
    if lowest is None:
        lowest = 1 if highest is None or highest >= 1 else highest - INTEGER_SPAN
    return lowest, lowest + INTEGER_SPAN if highest is None else highest


def _lower_bound(schema: Schema) -> float | None:
    bounds = (number_in(schema, "minimum"), _exclusive(schema, "minimum"))
    return max((bound for bound in bounds if bound is not None), default=None)


def _upper_bound(schema: Schema) -> float | None:
    bounds = (number_in(schema, "maximum"), _exclusive(schema, "maximum"))
    return min((bound for bound in bounds if bound is not None), default=None)


def _exclusive(schema: Schema, keyword: str) -> float | None:
    """The exclusive bound: a number of its own in OpenAPI 3.1, a flag beside the bound in 3.0."""
    exclusive = f"exclusive{keyword.capitalize()}"
    if schema.get(exclusive) is True:
        return number_in(schema, keyword)
    return number_in(schema, exclusive)


def _next_multiple(low: float, step: float) -> float:
    steps = low / step
    return math.ceil(steps) * step if math.isfinite(steps) else low
