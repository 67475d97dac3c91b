"""When a run must stop: requests, seconds, failures in a row."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.generate.statuses import SERVER_ERRORS

UNANSWERED_WEIGHT: Final = 4
"""Failures that a request without any answer counts as."""


class Stopped(Exception):  # noqa: N818 - a reason to end, not an error
    """The run ends here; the message says why."""


class Interrupted(Stopped):
    """Ctrl-C ended it."""


class Refused(Stopped):
    """It ends because the credential that was given is not accepted: all else would say nothing."""


class GivenUp(Stopped):
    """It ends because the target does not answer as it should, not because of a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """What a run may cost."""

    max_requests: int = 2000
    max_seconds: float = 120.0
    stop_after: int = 20
    """Operations in a row that answer 5xx; a missing answer counts as four."""
    max_findings: int | None = None

    def __post_init__(self) -> None:
        if self.max_requests < 1 or self.stop_after < 1:
            raise UsageError("--max-requests and --stop-after must be at least 1")
        if not (self.max_seconds > 0 and math.isfinite(self.max_seconds)):
            raise UsageError(f"--max-seconds {self.max_seconds}: give seconds, more than 0")


class Budget:
    """What is left of the limits."""

    def __init__(self, limits: RunLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self.requests = 0
        self.failures = 0
        self._crashing = ""
        self._clock = clock
        self._started = clock()

    @property
    def seconds_left(self) -> float:
        """Seconds until the run has to end."""
        return self.limits.max_seconds - (self._clock() - self._started)

    def take(self) -> None:
        """Count one request, or raise `Stopped`."""
        if self.requests >= self.limits.max_requests:
            raise Stopped(f"{self.limits.max_requests} requests were sent (--max-requests)")
        if self.seconds_left <= 0:
            raise self.out_of_time()
        if self.failures >= self.limits.stop_after:
            raise GivenUp(
                "too many requests in a row were answered 5xx or not at all (--stop-after)"
            )
        self.requests += 1

    def out_of_time(self) -> Stopped:
        """What ends the run when its seconds are over."""
        return Stopped(f"{self.limits.max_seconds:g} s have passed (--max-seconds)")

    def note(self, status: int | None, operation: str = "") -> None:
        """Count failures in a row; no answer at all costs time and weighs more. That one operation
        crashes again and again says nothing about the others: it counts once."""
        if status is None:
            self.failures += UNANSWERED_WEIGHT
        elif status not in SERVER_ERRORS:
            self.failures, self._crashing = 0, ""
        elif operation != self._crashing or not operation:
            self.failures, self._crashing = self.failures + 1, operation
