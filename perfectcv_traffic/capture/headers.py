"""Header lists read as text: names in lower case, values as latin-1, bounded."""

from __future__ import annotations

import re
from collections.abc import Iterable

VALUE_LIMIT = 4096
TOTAL_LIMIT = 32_768
MAX_HEADERS = 200

_RATE_LIMIT = re.compile(r"(x-)?ratelimit(-[a-z]+)*\Z|retry-after\Z")
_MARKER = re.compile(r"[\w.-]{1,64}\Z")
_LENGTH = re.compile(r"[0-9]{1,15}\Z")
"""Below a petabyte: what is more is no size, and a few of them no sum that SQLite could hold."""
_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")

Headers = list[tuple[str, str]]


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
    """Names and values of the cookies sent, these without the quotes around one with a blank."""
    sent = ";".join(value for key, value in headers if key == "cookie")
    pairs = (part.partition("=") for part in sent.split(";"))
    return {name.strip(): _unquoted(value.strip()) for name, _, value in pairs}


def _unquoted(value: str) -> str:
    is_quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return value[1:-1] if is_quoted else value


def marker(headers: dict[str, str], name: str) -> str | None:
    """A header by which `generate` marks its traffic; None unless it is a short plain word."""
    value = headers.get(name.lower())
    return value if value and _MARKER.match(value) else None


def declared_length(value: str) -> int | None:
    """A Content-Length that the application declared; None if there is none or it is no size."""
    return int(value) if _LENGTH.match(value) else None


def rate_limit(headers: dict[str, str]) -> dict[str, str] | None:
    """The rate-limit headers of a response: RateLimit, RateLimit-*, X-RateLimit-*, Retry-After."""
    limits = [name for name in headers if "ratelimit" in name or name == "retry-after"]
    return {name: headers[name] for name in limits if _RATE_LIMIT.match(name)} or None


def trace_id(headers: dict[str, str]) -> str | None:
    """The trace id of a well-formed `traceparent`."""
    parent = headers.get("traceparent")
    match = _TRACE.match(parent) if parent else None
    return match[1] if match else None
