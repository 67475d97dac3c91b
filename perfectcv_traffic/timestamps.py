"""Times as the record has them: UTC, of one width, so that their order is that of their text.

A log may hold any text in their place.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

IS_TIME_SQL = "timestamp >= '0' AND timestamp < ':'"
"""Whether the timestamp of a row is one; an index finds it."""


def stamp(moment: datetime) -> str:
    """A time as `TrafficLog.timestamp`.

    Not by strftime, which writes the year 999 with three digits.
    """
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="microseconds") + "Z"


def to_the_second(moment: datetime) -> str:
    """The same without a fraction, for people and reports."""
    return f"{stamp(moment)[:19]}Z"


def from_epoch(seconds: float) -> str:
    """The same of seconds since 1970."""
    microseconds = round(seconds * 1_000_000)
    return f"{_second(microseconds // 1_000_000)}.{microseconds % 1_000_000:06d}Z"


@lru_cache(64)
def _second(since_epoch: int) -> str:
    return datetime.fromtimestamp(since_epoch, UTC).isoformat()[:19]


def before(end: datetime, length: timedelta) -> datetime:
    """The time so long before another, at the earliest the first there is."""
    try:
        return end - length
    except OverflowError:
        return datetime.min.replace(tzinfo=end.tzinfo)


def is_time(text: str | None) -> bool:
    """Whether a text may be a time: it begins with a digit."""
    return text is not None and "0" <= text < ":"


def rank(text: object) -> str:
    """What requests are put in the order of their times by; one without a time is the oldest."""
    return text if isinstance(text, str) and is_time(text) else ""
