"""Points at which a process beside the API lets it have the core that they share.

Linux lets what runs finish its time slice (a few milliseconds) although a process of a higher
priority woke up meanwhile; `sched_yield` ends the slice. Yielding costs a process most of its share
of a busy core, so that one which falls behind stops doing it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable


def _sleep_not_at_all() -> None:
    time.sleep(0)


_give_way: Callable[[], None] = getattr(os, "sched_yield", _sleep_not_at_all)


INTERVAL = 0.0001
"""Seconds of work between two times of giving way: what a request may have to wait for."""


class PreemptionPoints:
    """Gives way for `patience` seconds from the beginning of a piece of work on.

    Not at each call, but at the first one in every `interval` seconds.
    """

    def __init__(self, patience: float, interval: float = INTERVAL) -> None:
        self._patience, self._interval = patience, interval
        self._until = self._next = 0.0

    def begin(self) -> None:
        """Another piece of work begins."""
        now = time.monotonic()
        self._until, self._next = now + self._patience, now + self._interval

    def __call__(self) -> None:
        """Let another process run, if it is time, one wants to, and this one is not late."""
        now = time.monotonic()
        if now < self._next or now >= self._until:
            return
        try:
            _give_way()
        except OSError:  # forbidden in some sandboxes, and no reason to fail
            self._patience = self._until = 0.0
        self._next = time.monotonic() + self._interval
