"""When the next request may start: after a delay, or when a constant rate says so."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from perfectcv_traffic.errors import UsageError

_NUMBER: Final = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_STAGE: Final = re.compile(rf"{_NUMBER}s?@{_NUMBER}(?:/s)?")

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


@dataclass(frozen=True, slots=True)
class Stage:
    """So many seconds at so many requests a second."""

    seconds: float
    rate: float


def parse_stages(text: str) -> tuple[Stage, ...]:
    """`10s@5,30s@50` as stages. Raises `UsageError`."""
    found = [_STAGE.fullmatch(part.strip()) for part in text.split(",")]
    stages = tuple(Stage(float(one[1]), float(one[2])) for one in found if one is not None)
    if len(stages) < len(found) or not all(map(_is_possible, stages)):
        raise UsageError(f"--stages {text!r}: write SECONDS@RATE,...: 10s@5,30s@50")
    return stages


def _is_possible(stage: Stage) -> bool:
    return 0 < stage.seconds < math.inf and 0 < stage.rate < math.inf


class Schedule:
    """An open loop: request number i is due at start + i / rate, whatever became of the others.

    With stages each begins when the one before is over, the last goes on.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        *,
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._dues = _dues(stages)
        self._clock = clock
        self._sleep = sleep
        self._started: float | None = None

    async def next_due(self) -> float:
        """Wait until the next request is due; the time it was due at, also if that has passed."""
        if self._started is None:
            self._started = self._clock()
        due = self._started + next(self._dues)
        left = due - self._clock() - EARLY_SECONDS
        if left > 0:
            await self._sleep(left)
        while self._clock() < due:
            await self._sleep(0)
        return due


def _dues(stages: Sequence[Stage]) -> Iterator[float]:
    """Seconds after the start at which each request is due."""
    begin = 0.0
    for stage in stages[:-1]:
        yield from (begin + n / stage.rate for n in range(math.ceil(stage.seconds * stage.rate)))
        begin += stage.seconds
    yield from (begin + n / stages[-1].rate for n in count())
