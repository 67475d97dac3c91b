"""The windows of a rate limit: whole hours from midnight, of which the store counts each."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

_DAY = 24
_HOUR = re.compile(r"[01][0-9]|2[0-3]")


class RateLimit(NamedTuple):
    """How many requests of a client to an endpoint are too many for one window."""

    most: int = 0
    """0 configures no limit: then only the API's own 429 blocks."""
    hours: int = 1

    @property
    def window(self) -> str:
        """The window of a row of `rate_limit_tracking`, in SQL; later ones are greater."""
        if self.hours == 1:
            return "window_start"
        hour = f"CAST(substr(window_start, 12, 2) AS INTEGER) / {int(self.hours)}"
        return f"substr(window_start, 1, 11) || printf('%02d', {hour})"

    def hours_around(self, moment: str | None) -> str:
        """The hours of the window that a time is in, as a JSON list."""
        day, hour = (moment or "")[:11], (moment or "")[11:13]
        if not _HOUR.fullmatch(hour):  # a log may have any text in place of a time
            return json.dumps([day + hour])
        first = int(hour) - int(hour) % self.hours
        return json.dumps(
            [f"{day}{each:02}" for each in range(first, min(first + self.hours, _DAY))]
        )
