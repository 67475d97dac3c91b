"""Times: how filters spell them, how the store keeps them, how answers show them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_BLANK_FOR_PLUS = re.compile(r"(:\d\d(?:\.\d+)?) (\d\d:?\d\d)\Z")
"""A zone's + that was not written %2B in a query: it comes as a blank."""

_NUMBER = re.compile(r"\d{1,11}(\.\d{1,6})?\Z")


def stored(text: str) -> str:
    """A time as the store keeps it, from ISO 8601 (UTC unless it has a zone) or epoch seconds.

    Raises `ValueError` for anything else.
    """
    text = _BLANK_FOR_PLUS.sub(r"\1+\2", text.strip())
    try:
        if _NUMBER.match(text):
            moment = datetime.fromtimestamp(float(text), UTC)
        else:
            moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return _stored(moment)
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(
            "use 2026-01-21T05:30:15Z, 2026-01-21 05:30:15, 2026-01-21 or epoch seconds"
        ) from error


def from_epoch(seconds: float) -> str:
    """A time as the store keeps it."""
    return _stored(datetime.fromtimestamp(seconds, UTC))


def epoch(timestamp: str) -> float:
    """Seconds since 1970 of a stored time."""
    return datetime.fromisoformat(timestamp).timestamp()


def shown(timestamp: str | None) -> str | None:
    """A stored time as answers show it: 2026-01-21 05:30:15, in UTC."""
    return f"{timestamp[:10]} {timestamp[11:19]}" if timestamp else None


def _stored(moment: datetime) -> str:
    # Not strftime: it writes the year 999 with three digits, and stored times are compared as text.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
