"""How often the same thing is said: what fails for every request must not fill the logs."""

from __future__ import annotations

import time

WARNING_INTERVAL = 60.0


class Seldom:
    """Tells whether it is time to say something, at most once in an interval of seconds."""

    def __init__(self, interval: float = WARNING_INTERVAL) -> None:
        self._interval = interval
        self._next = 0.0

    def is_due(self) -> bool:
        """Whether to say it now; if so, not again for the interval."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._interval
        return True
