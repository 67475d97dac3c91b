"""Which recorded timestamps are taken for times: a log may hold any text in their place."""

from __future__ import annotations

SQL = "timestamp >= '0' AND timestamp < ':'"
"""Whether the timestamp of a row is one; an index finds it."""


def is_time(text: str | None) -> bool:
    """Whether a text may be a time: it begins with a digit."""
    return text is not None and "0" <= text < ":"
