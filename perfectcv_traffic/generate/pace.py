"""When the next request may start: after a delay, or when a constant rate says so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

EARLY_SECONDS: Final = 0.0003
"""A timer is about as late as this, which would count as response time: the rest is waited for
awake, while answers are still read."""


class Pacer:
    """Keeps `delay` seconds between the starts of two requests, however many workers send."""

    def __init__(
        self,
        delay: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._delay = delay
        self._clock = clock
        self._sleep = sleep
        self._next_start = 0.0

    async def wait(self) -> None:
        """Return when one more request may start."""
        if self._delay <= 0:
            return
        now = self._clock()
        start = max(now, self._next_start)
        self._next_start = start + self._delay
        await self._sleep(start - now)


class Schedule:
    """An open loop: request number i is due at start + i / rate, whatever became of the others."""

    def __init__(
        self,
        rate: float,
        *,
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._started: float | None = None
        self._count = 0

    async def next_due(self) -> float:
        """Wait until the next request is due; the time it was due at, also if that has passed."""
        if self._started is None:
            self._started = self._clock()
        due = self._started + self._count / self._rate
        self._count += 1
        left = due - self._clock() - EARLY_SECONDS
        if left > 0:
            await self._sleep(left)
        while self._clock() < due:
            await self._sleep(0)
        return due
