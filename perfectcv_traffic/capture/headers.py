"""Header lists read as text: names in lower case, values as latin-1, bounded."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from perfectcv_traffic.redaction import Redactor

VALUE_LIMIT = 4096
TOTAL_LIMIT = 32_768
MAX_HEADERS = 200
MAX_REMEMBERED = 2_000
_REMEMBERED_LENGTH = 256

_RATE_LIMIT = re.compile(r"(x-)?ratelimit(-[a-z]+)*\Z|retry-after\Z")
_MARKER = re.compile(r"[\w.-]{1,64}\Z")
_LENGTH = re.compile(r"[0-9]{1,18}\Z")
_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")

Headers = list[tuple[str, str]]


class HeaderReader:
    """Raw header lists as redacted ones; what repeats from request to request is read once."""

    def __init__(self, redactor: Redactor, blank: frozenset[str] = frozenset()) -> None:
        self._redactor = redactor
        self._blank = blank
        self._known: dict[tuple[bytes, bytes], tuple[str, str]] = {}

    def redacted(self, raw: Iterable[Any]) -> dict[str, str]:
        """Names and redacted values, repeated ones joined by a comma; bounded in every way."""
        kept: dict[str, str] = {}
        room = TOTAL_LIMIT
        known = self._known
        for given in raw:
            pair = given if type(given) is tuple else tuple(given)
            name, value = known.get(pair) or self._read(pair)
            if name in kept:
                value = f"{kept[name]}, {value}"
            room -= len(name) + len(value)
            if room < 0 or len(kept) >= MAX_HEADERS:
                break
            kept[name] = value
        return kept

    def _read(self, pair: tuple[bytes, bytes]) -> tuple[str, str]:
        name, value = text(pair[0]).lower()[:VALUE_LIMIT], text(pair[1])
        value = "" if name in self._blank else self._redactor.header(name, value)[:VALUE_LIMIT]
        read = (name, value)
        # Secret values are not remembered: they would outlive their request.
        short = len(pair[1]) <= _REMEMBERED_LENGTH and not self._redactor.is_secret(name)
        if short and len(self._known) < MAX_REMEMBERED:
            self._known[pair] = read
        return read


def text(raw: bytes | str) -> str:
    """A name or value as text: latin-1 maps every byte; some applications hand over text."""
    return raw if isinstance(raw, str) else raw.decode("latin-1")


def decoded(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Headers as text, secrets included: for reading, never for keeping."""
    pairs = list(raw)
    try:
        return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in pairs]
    except AttributeError:  # some applications hand over text
        return [(text(name).lower(), text(value)) for name, value in pairs]


def cookies(headers: Headers) -> dict[str, str]:
    """Names and values of the cookies sent."""
    sent = ";".join(value for key, value in headers if key == "cookie")
    pairs = (part.partition("=") for part in sent.split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def marker(headers: dict[str, str], name: str) -> str | None:
    """A header by which `generate` marks its traffic; None unless it is a short plain word."""
    value = headers.get(name.lower())
    return value if value and _MARKER.match(value) else None


def declared_length(headers: dict[str, str]) -> int:
    """The Content-Length, 0 if there is none or it is no number."""
    value = headers.get("content-length", "")
    return int(value) if _LENGTH.match(value) else 0


def rate_limit(headers: dict[str, str]) -> dict[str, str] | None:
    """The rate-limit headers of a response: RateLimit, RateLimit-*, X-RateLimit-*, Retry-After."""
    limits = [name for name in headers if "ratelimit" in name or name == "retry-after"]
    return {name: headers[name] for name in limits if _RATE_LIMIT.match(name)} or None


def trace_id(headers: dict[str, str]) -> str | None:
    """The trace id of a well-formed `traceparent`."""
    parent = headers.get("traceparent")
    match = _TRACE.match(parent) if parent else None
    return match[1] if match else None
