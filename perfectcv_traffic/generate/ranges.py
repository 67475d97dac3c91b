"""Pairs of a lower and an upper bound: `starts` and `ends`, `min_price` and `max_price`.

No schema says that one must not exceed the other, and most applications check it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from perfectcv_traffic.generate.openapi import Json
from perfectcv_traffic.generate.producers import words_of

_BOUNDS: Final = (
    ("after", "before"),
    ("arrival", "departure"),
    ("begin", "end"),
    ("begins", "ends"),
    ("from", "to"),
    ("from", "until"),
    ("in", "out"),
    ("low", "high"),
    ("lower", "upper"),
    ("min", "max"),
    ("minimum", "maximum"),
    ("opens", "closes"),
    ("since", "until"),
    ("start", "end"),
    ("started", "ended"),
    ("starts", "ends"),
)
_MOMENT: Final = re.compile(r"\d{4}-\d\d|\d\d:\d\d")


def in_order(made: dict[str, Json]) -> dict[str, Json]:
    """`made` with the values of such pairs exchanged where they are the wrong way round."""
    ordered = dict(made)
    for lower, upper in _pairs(list(made)):
        if _exceeds(ordered[lower], ordered[upper]):
            ordered[lower], ordered[upper] = ordered[upper], ordered[lower]
    return ordered


def _pairs(names: list[str]) -> Iterator[tuple[str, str]]:
    by_words = {tuple(words_of(name)): name for name in names}
    for words, name in by_words.items():
        for lower, upper in _BOUNDS:
            other = tuple(upper if word == lower else word for word in words)
            if lower in words and other in by_words:
                yield name, by_words[other]


def _exceeds(first: Json, second: Json) -> bool:
    if isinstance(first, str) and isinstance(second, str):
        return bool(_MOMENT.match(first)) and bool(_MOMENT.match(second)) and first > second
    return _is_number(first) and _is_number(second) and bool(first > second)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
