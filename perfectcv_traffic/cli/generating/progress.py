"""Progress of a run as it goes: requests, rate, statuses and p95, on a terminal's stderr."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from perfectcv_traffic import ranks

if TYPE_CHECKING:
    from perfectcv_traffic.generate.outcome import Outcome

RECENT: Final = 1000
"""Requests that the shown p95 is of."""
SECONDS_BETWEEN: Final = 0.2


@contextmanager
def live(
    title: str, total: int | None = None, *, seconds: float | None = None
) -> Iterator[Callable[[Outcome], None]]:
    """A line that follows the outcomes it is told; a bar in it if the number of requests or the
    time is known."""
    console = Console(stderr=True)
    bar = () if total is None and seconds is None else (BarColumn(bar_width=16),)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), *bar)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as shown:
        task = shown.add_task(title, total=total if seconds is None else seconds)
        follower = Follower(total)

        def note(outcome: Outcome) -> None:
            if follower.note(outcome):
                done = follower.requests if seconds is None else follower.seconds
                shown.update(task, completed=done, description=f"{title} {follower.text()}")

        yield note if console.is_terminal else lambda _outcome: None


class Follower:
    """What there is to tell of the outcomes so far."""

    def __init__(
        self, total: int | None = None, *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.requests = 0
        self._total = total
        self._clock = clock
        self._started: float | None = None
        self._told = 0.0
        self._classes: Counter[str] = Counter()
        self._recent: deque[float] = deque(maxlen=RECENT)

    @property
    def seconds(self) -> float:
        """Since the first request was sent: a run is prepared before."""
        return 0.0 if self._started is None else self._clock() - self._started

    def note(self, outcome: Outcome) -> bool:
        """Count one outcome; whether it is time to tell."""
        if self._started is None:
            self._started = self._clock() - outcome.seconds
        self.requests += 1
        known = outcome.status is not None
        self._classes[f"{(outcome.status or 0) // 100}xx" if known else "none"] += 1
        self._recent.append(outcome.response_seconds)
        now = self._clock()
        if now - self._told < SECONDS_BETWEEN:
            return False
        self._told = now
        return True

    def text(self) -> str:
        """Rate, statuses, p95."""
        rate = self.requests / max(self.seconds, 1e-9)
        ordered = sorted(self._recent)
        p95 = ranks.quantile(ordered, 950) * 1000 if ordered else 0.0
        classes = " ".join(f"{name} {number}" for name, number in sorted(self._classes.items()))
        number = f"{self.requests:,}" + (f"/{self._total:,}" if self._total else "")
        return f"{number}, {rate:,.0f}/s {classes} p95 {p95:,.1f} ms"
