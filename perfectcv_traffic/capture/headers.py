"""Header lists read as text: names in lower case, values as latin-1, bounded."""

from __future__ import annotations

import re
from collections.abc import Iterable

VALUE_LIMIT = 4096
MAX_HEADERS = 200
_RATE_LIMIT = re.compile(r"(x-)?ratelimit(-[a-z]+)*\Z|retry-after\Z")
_MARKER = re.compile(r"[\w.-]{1,64}\Z")
_LENGTH = re.compile(r"[0-9]{1,18}\Z")

Headers = list[tuple[str, str]]


def decoded(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Headers as text; latin-1 maps every byte, so nothing is refused."""
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw]


def first(headers: Headers, name: str, limit: int = VALUE_LIMIT) -> str | None:
    """The first value of a header, at most `limit` characters of it."""
    return next((value[:limit] for key, value in headers if key == name), None)


def cookies(headers: Headers) -> dict[str, str]:
    """Names and values of the cookies sent."""
    sent = ";".join(value for key, value in headers if key == "cookie")
    pairs = (part.partition("=") for part in sent.split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def marker(headers: Headers, name: str) -> str | None:
    """A header by which `generate` marks its traffic; None unless it is a short plain word."""
    value = first(headers, name.lower())
    return value if value and _MARKER.match(value) else None


def declared_length(headers: Headers) -> int:
    """The Content-Length, 0 if there is none or it is no number."""
    value = first(headers, "content-length") or ""
    return int(value) if _LENGTH.match(value) else 0


def rate_limit(headers: Headers) -> dict[str, str] | None:
    """The rate-limit headers of a response: RateLimit, RateLimit-*, X-RateLimit-*, Retry-After."""
    return {name: value for name, value in headers if _RATE_LIMIT.match(name)} or None
