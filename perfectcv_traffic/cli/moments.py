"""Times, durations and shares as people write them on a command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.timestamps import stamp

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|[smhdw])")
_AGO = re.compile(r"\s+ago$")


def span(text: str) -> timedelta:
    """A length of time: `500ms`, `2h`, `1.5 d`."""
    found = _SPAN.fullmatch(text.strip().lower())
    try:
        if found:
            return timedelta(seconds=float(found[1]) * _UNITS[found[2]])
    except OverflowError:
        pass
    raise UsageError(f"{text!r} is no length of time: write 500ms, 30s, 15m, 2h, 7d or 1w")


def moment(text: str, now: datetime) -> str:
    """A time, absolute or so long ago, as `TrafficLog.timestamp` has it; UTC unless it says."""
    brief = text.strip()
    try:
        if _SPAN.fullmatch(_AGO.sub("", brief.lower())):
            return stamp(now - span(_AGO.sub("", brief.lower())))
        found = datetime.fromisoformat(brief)
        return stamp(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{text!r} is no time: write 2026-11-21, 2026-11-21T22:05, or '2h ago'"
        ) from error


def share(text: str) -> Decimal:
    """A share of 1: `5%`, `0.05`; a bare `1` is refused, whoever writes it may mean 1%.

    Exact: 29 of 100 are at most `29%`, which is a little less as a float.
    """
    number, is_percent = text.strip().removesuffix("%"), text.strip().endswith("%")
    try:
        value = Decimal(number) / (100 if is_percent else 1)
        if 0 <= value <= 1 and text.strip() != "1":
            return value
    except ArithmeticError:  # no number at all, or one that cannot be compared
        pass
    raise UsageError(f"{text!r} is no share: write 5% or 0.05")
