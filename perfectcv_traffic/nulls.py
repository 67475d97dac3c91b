"""Null values in names and values that are text: query strings, forms, path parameters.

Text cannot hold a null, so the words that clients send for one count: `null`, `None`, `undefined`,
`nil`, in any case, and the empty value.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Literal
from urllib.parse import parse_qsl

from perfectcv_traffic.record import NullDetail

NULL_WORDS = frozenset({"null", "none", "undefined", "nil"})
MAX_PAIRS = 1000
# An empty value or a null word. Each pattern in it ends where it began or takes what it looked at.
_MAYBE_NULL = re.compile(
    r"=(?:&|\Z|null|none|undefined|nil)|(?:\A|&)[^=&]*+(?:&|\Z)", re.IGNORECASE
)

TextLocation = Literal["query", "path", "form"]
Clean = Callable[[str], str]

NAME_LIMIT = 200
"""Characters of a name or path that are told: both come from clients, a hundred times a record."""


def shortened(name: str) -> str:
    """A name or a path as it is told."""
    return name if len(name) <= NAME_LIMIT else f"{name[:NAME_LIMIT]}…"


def in_urlencoded(text: str, location: TextLocation, clean: Clean = str) -> list[NullDetail]:
    """Nulls in a query string or an urlencoded form, in order; at most `MAX_PAIRS` are read.

    A name is kept as `clean` gives it back: a value without a name looks like a name.
    """
    if "%" not in text and _MAYBE_NULL.search(text) is None:  # an escape may spell one
        return []
    head = "&".join(text.split("&", MAX_PAIRS)[:MAX_PAIRS])
    return in_pairs(parse_qsl(head, keep_blank_values=True), location, clean)


def exceeds(text: str) -> bool:
    """Whether a query string or form holds more pairs than are read."""
    return len(text) > MAX_PAIRS and text.count("&") >= MAX_PAIRS


def in_path(parameters: Mapping[str, object]) -> list[NullDetail]:
    """Nulls among the path parameters of the matched route; an empty one cannot be sent."""
    if not parameters:
        return []
    return in_pairs([(name, str(value)) for name, value in parameters.items() if value], "path")


def in_pairs(
    pairs: Iterable[tuple[str, str]], location: TextLocation, clean: Clean = str
) -> list[NullDetail]:
    """Nulls among names and values; a repeated name shows its position: `tag[1]`."""
    known = list(pairs)
    if not [1 for _, value in known if not value or value.lower() in NULL_WORDS]:
        return []
    times = Counter(name for name, _ in known)
    seen: dict[str, int] = {}
    found = []
    for name, value in known:
        position = seen.get(name, 0)
        seen[name] = position + 1
        if not value or value.lower() in NULL_WORDS:
            shown = shortened(clean(name))
            found.append(
                NullDetail(
                    field_name=shown,
                    field_path=f"{shown}[{position}]" if times[name] > 1 else shown,
                    location=location,
                    kind="null_text" if value else "empty",
                )
            )
    return found
