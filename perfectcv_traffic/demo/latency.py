"""Simulated delays: every operation has its own median, and the draws of a seed are fixed."""

import asyncio
import math
from random import Random

from fastapi import Request

from perfectcv_traffic.errors import UsageError

MEDIAN_RANGE_MS = (2.0, 40.0)
SPREAD = 0.45
"""Standard deviation of the logarithm of a delay: the 99th percentile is 2.8 times the median."""
LONGEST = 6.0
"""A delay never exceeds this many medians, so that a slow answer means something."""
SLOW_MEDIANS_MS = {"create_optimization": 180.0, "write_cover_letter": 90.0}
"""Operations, by the name of their function, that PerfectCV leaves to a language model."""


class Latency:
    """A dependency that delays each request; the n-th delay of an operation depends on the seed.

    Raises `UsageError` for a scale below zero.
    """

    def __init__(self, seed: int, scale: float) -> None:
        if not 0 <= scale < math.inf:
            raise UsageError(f"latency={scale} cannot be used: give a number from 0 upwards")
        self._seed = seed
        self._scale = scale
        self._operations: dict[str, tuple[float, Random]] = {}

    async def __call__(self, request: Request) -> None:
        """Wait as long as the operation's next draw says."""
        if self._scale:
            operation = request.scope["endpoint"].__name__
            await asyncio.sleep(self._scale * self.next_ms(operation) / 1000)

    def next_ms(self, operation: str) -> float:
        """The operation's next delay in milliseconds, before scaling."""
        if operation not in self._operations:
            self._operations[operation] = self._start(operation)
        median, draws = self._operations[operation]
        return median * min(draws.lognormvariate(0, SPREAD), LONGEST)

    def _start(self, operation: str) -> tuple[float, Random]:
        # One stream per operation: draws do not depend on how requests interleave.
        draws = Random(f"{self._seed} {operation}")
        low, high = map(math.log, MEDIAN_RANGE_MS)
        median = math.exp(draws.uniform(low, high))
        return SLOW_MEDIANS_MS.get(operation, median), draws
