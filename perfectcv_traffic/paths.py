"""Route templates for paths that matched no route: `/users/123` becomes `/users/{id}`.

A scanner's paths must not become as many endpoints, so what looks like an identifier is replaced
by its kind and the depth is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

UNMATCHED = "(unmatched)"
"""The endpoint of all requests that matched no route and were refused."""

MAX_SEGMENTS = 8
MAX_SEGMENT_LENGTH = 64
MAX_REMEMBERED = 16_384
MAX_REMEMBERED_LENGTH = 256
"""Characters of a path that is remembered: sixteen megabytes at most, mostly one or two."""

_CLIENT_ERROR = 4

_KINDS = (
    (re.compile(r"\d+\Z"), "{id}"),
    (re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\Z", re.IGNORECASE), "{uuid}"),
    (re.compile(r"\d{4}-\d{2}-\d{2}(?:T[\d:.Z+-]+)?\Z"), "{date}"),
    (re.compile(r"(?=.*\d)[0-9a-f]{12,}\Z", re.IGNORECASE), "{hash}"),
    # One @, and a dot within what follows it; the first such dot decides, however many there are.
    (re.compile(r"[^@]++@(?=[^@]++\Z).[^.]*+\..", re.DOTALL), "{email}"),
    (re.compile(r"(?=.*\d)[A-Za-z0-9_-]{20,}\Z"), "{token}"),
)


T = TypeVar("T")


def remembered(find: Callable[[str], T]) -> Callable[[str], T]:
    """What was found for the last paths, of those that are short: a client chooses how long.

    The others are looked at each time: a memory for them could be filled with megabytes.
    """
    look_up = lru_cache(MAX_REMEMBERED)(find)

    @wraps(find)
    def found(path: str) -> T:
        return look_up(path) if len(path) <= MAX_REMEMBERED_LENGTH else find(path)

    return found


@remembered
def template(path: str) -> str:
    """The path with everything that looks like an identifier replaced by its kind."""
    head, *segments = path.split("/", MAX_SEGMENTS + 1)
    if len(segments) > MAX_SEGMENTS:
        segments[-1] = "{rest}"
    return "/".join([_bounded(head), *map(_segment, segments)])


def endpoint(route: str, known: int, status: int | None) -> str:
    """What a request counts for in the windows of its client.

    What matched no route and was answered 4xx is none: else a scanner made a window of each path.
    """
    return UNMATCHED if is_refused(status) and not known else route


def is_refused(status: int | None) -> bool:
    """Whether the client was told that it erred (4xx): then there need not be such a path."""
    return status is not None and status // 100 == _CLIENT_ERROR


def _segment(segment: str) -> str:
    for pattern, kind in _KINDS:
        if pattern.match(segment):
            return kind
    return _bounded(segment)


def _bounded(segment: str) -> str:
    return segment if len(segment) <= MAX_SEGMENT_LENGTH else "{long}"
