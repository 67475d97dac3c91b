"""Progress of a run as it goes: requests, rate, statuses and p95, on a terminal's stderr."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

if TYPE_CHECKING:
    from perfectcv_traffic.generate.outcome import Outcome

RECENT: Final = 1000
"""Requests that the shown p95 is of."""
SECONDS_BETWEEN: Final = 0.2


@contextmanager
def live(title: str, total: int | None) -> Iterator[Callable[[Outcome], None]]:
    """A line that follows the outcomes it is told."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(title, total=total)
        follower = Follower()

        def note(outcome: Outcome) -> None:
            if follower.note(outcome):
                text = f"{title} {follower.text()}"
                bar.update(task, completed=follower.requests, description=text)

        yield note if console.is_terminal else lambda _outcome: None


class Follower:
    """What there is to tell of the outcomes so far."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.requests = 0
        self._clock = clock
        self._started = clock()
        self._told = 0.0
        self._classes: Counter[str] = Counter()
        self._recent: deque[float] = deque(maxlen=RECENT)

    def note(self, outcome: Outcome) -> bool:
        """Count one outcome; whether it is time to tell."""
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
        rate = self.requests / max(self._clock() - self._started, 1e-9)
        ordered = sorted(self._recent)
        p95 = ordered[int(0.95 * (len(ordered) - 1))] * 1000 if ordered else 0.0
        classes = " ".join(f"{name} {number}" for name, number in sorted(self._classes.items()))
        return f"{rate:,.0f}/s {classes} p95 {p95:,.1f} ms"
