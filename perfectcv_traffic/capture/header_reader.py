"""Raw header lists as they may be kept: what a client sends again and again is read once.

A list is known again by its names and plain values. Secret values are no part of that, nor are
those that differ from request to request; nothing that is secret outlives its request here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from perfectcv_traffic.capture import headers
from perfectcv_traffic.capture.remembered import remember
from perfectcv_traffic.record import RUN_ID_HEADER, SCENARIO_HEADER, USER_AGENT_LIMIT
from perfectcv_traffic.redaction import Redactor

MAX_NAMES = 500
MAX_LISTS = 500
MAX_VALUES = 50
"""Values of a header that are remembered; one with more of them is read each time."""
MAX_VALUE = 512
MAX_PAIRS = 50

_COOKIES = frozenset({"cookie", "set-cookie"})
_TOLD_AS_SENT = frozenset({"content-encoding", "content-type", "host"})
_TELLING = _TOLD_AS_SENT | {
    "user-agent", "traceparent", RUN_ID_HEADER.lower(), SCENARIO_HEADER.lower(),
}  # fmt: skip

Raw = Sequence[tuple[bytes, bytes]]
_Key = tuple[Any, ...]


class Facts(msgspec.Struct, frozen=True):
    """What some headers say about their request or response."""

    user_agent: str | None
    trace_id: str | None
    run_id: str | None
    scenario: str | None
    rate_limit: dict[str, str] | None
    host: str
    """As it was sent, like the next two: for reading, never for keeping."""
    content_type: str
    encoding: str
    """In lower case."""


class ReadHeaders(msgspec.Struct, frozen=True):
    """A header list, read."""

    kept: dict[str, str]
    """Names and redacted values, repeated ones joined by a comma. Not to be changed."""
    places: dict[str, int]
    """Where the first header of each name stands in the list."""
    facts: Facts
    room: int
    """Characters that could be kept beyond these."""
    has_noted: bool = False
    """Whether any of the names that the reader was to note is there."""
    varying: tuple[tuple[str, int], ...] = ()
    """Names and places of those that have to be read each time."""


class Plain:
    """Headers as they were sent, the first of each name: for reading, never for keeping."""

    __slots__ = ("_places", "_raw")

    def __init__(self, raw: Raw, places: dict[str, int]) -> None:
        self._raw, self._places = raw, places

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def get(self, name: str, default: str = "") -> str:
        """The value of a header whose name is given in lower case."""
        at = self._places.get(name)
        return default if at is None else headers.text(self._raw[at][1])


class HeaderReader:
    """Reads header lists, redacted; bounded in every way. Of what `blank` says nothing is kept."""

    def __init__(
        self,
        redactor: Redactor,
        blank: Callable[[str], bool] | None = None,
        noted: frozenset[str] = frozenset(),
    ) -> None:
        self._redactor = redactor
        self._blank = blank or _none
        self._noted = noted
        self._plain: dict[bytes, set[bytes]] = {}
        """Values of the headers by whose values a list is known again."""
        self._others: dict[bytes, bool] = {}
        """Whether the value kept of another header depends on the one sent."""
        self._known: dict[_Key, ReadHeaders] = {}

    def read(self, raw: Raw) -> ReadHeaders:
        """What may be kept of a list, and where its headers stand."""
        plain = self._plain
        try:
            key = tuple([pair if pair[0] in plain else pair[0] for pair in raw])
            known = self._known.get(key)
        except TypeError:  # some applications hand over lists for pairs, bytearrays for bytes
            return self._read([(_as_bytes(name), _as_bytes(value)) for name, value in raw])
        if known is None:
            return self._learn(raw)
        return self._with_varying(known, raw) if known.varying else known

    def _with_varying(self, known: ReadHeaders, raw: Raw) -> ReadHeaders:
        kept, room, is_telling = known.kept.copy(), known.room, False
        for name, at in known.varying:
            kept[name] = value = self._redacted(name, headers.text(raw[at][1]))
            room -= len(value)
            is_telling = is_telling or _is_telling(name)
        if room < 0:
            return self._read(raw)
        facts = _facts(kept, Plain(raw, known.places)) if is_telling else known.facts
        return ReadHeaders(kept, known.places, facts, room, known.has_noted)

    def _read(self, raw: Raw) -> ReadHeaders:
        kept: dict[str, str] = {}
        places: dict[str, int] = {}
        room = headers.TOTAL_LIMIT
        for at, (raw_name, raw_value) in enumerate(raw):
            name = headers.text(raw_name).lower()[: headers.VALUE_LIMIT]
            places.setdefault(name, at)
            if room < 0:
                continue
            value = headers.text(raw_value)
            if raw_value not in self._plain.get(raw_name, ()):
                value = self._redacted(name, value)
            if name in kept:
                value = f"{kept[name]}, {value}"
            room -= len(name) + len(value)
            if room >= 0 and len(kept) < headers.MAX_HEADERS:
                kept[name] = value
            else:
                room = -1
        facts = _facts(kept, Plain(raw, places))
        return ReadHeaders(kept, places, facts, room, not self._noted.isdisjoint(places))

    def _redacted(self, name: str, value: str) -> str:
        if self._blank(name):
            return ""
        return self._redactor.header(name, value)[: headers.VALUE_LIMIT]

    def _learn(self, raw: Raw) -> ReadHeaders:
        """Read a list, and remember it if that is safe and worth it."""
        found = self._read(raw)
        if len(raw) > MAX_PAIRS or found.room < 0 or len(found.places) < len(raw):
            return found
        if not all(type(pair) is tuple and self._is_classified(*pair) for pair in raw):
            return found
        places = [(name, at) for name, at in found.places.items() if self._others.get(raw[at][0])]
        key = tuple([pair if pair[0] in self._plain else pair[0] for pair in raw])
        kept, room = found.kept.copy(), found.room
        facts = _NO_FACTS if any(_is_telling(name) for name, _ in places) else found.facts
        for name, _ in places:
            room += len(kept[name])
            kept[name] = ""
        known = ReadHeaders(kept, found.places, facts, room, found.has_noted, tuple(places))
        remember(self._known, key, known, MAX_LISTS)
        return found

    def _is_classified(self, raw_name: bytes, raw_value: bytes) -> bool:
        """Whether it is known what of a header has to be remembered."""
        if raw_name in self._others:
            return True
        values = self._plain.get(raw_name)
        if values is None:
            if len(self._plain) + len(self._others) >= MAX_NAMES or len(raw_name) > MAX_VALUE:
                return False
            name = headers.text(raw_name).lower()
            if name in _COOKIES or self._blank(name) or self._redactor.is_secret(name):
                self._others[raw_name] = name in _COOKIES or name in _TOLD_AS_SENT
                return True
            values = self._plain[raw_name] = set()
        if raw_value not in values:
            if len(values) >= MAX_VALUES or self._is_sensitive(raw_name, raw_value):
                self._read_each_time(raw_name)
            else:
                values.add(raw_value)
        return True

    def _is_sensitive(self, raw_name: bytes, raw_value: bytes) -> bool:
        name, value = headers.text(raw_name).lower(), headers.text(raw_value)
        return len(value) > MAX_VALUE or self._redacted(name, value) != value

    def _read_each_time(self, raw_name: bytes) -> None:
        del self._plain[raw_name]
        self._others[raw_name] = True
        self._known.clear()  # made when it was one of the plain ones


def _as_bytes(raw: bytes | bytearray) -> bytes:
    return bytes(raw) if isinstance(raw, bytearray) else raw


def _none(_: str) -> bool:
    return False


def _is_telling(name: str) -> bool:
    return name in _TELLING or "ratelimit" in name or name == "retry-after"


def _facts(kept: dict[str, str], sent: Plain) -> Facts:
    return Facts(
        kept.get("user-agent", "")[:USER_AGENT_LIMIT] or None,
        headers.trace_id(kept),
        headers.marker(kept, RUN_ID_HEADER),
        headers.marker(kept, SCENARIO_HEADER),
        headers.rate_limit(kept),
        sent.get("host"),
        sent.get("content-type"),
        sent.get("content-encoding").strip().lower(),
    )


_NO_FACTS = _facts({}, Plain((), {}))
