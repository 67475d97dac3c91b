"""When the next request may start."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable


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
