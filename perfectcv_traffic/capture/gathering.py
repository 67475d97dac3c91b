"""How long finished requests gather before they are recorded together.

Larger batches take less CPU a request, and later ones a burst that requests wait for. A process
with time to spare has CPU enough: it ships early, in small pieces. In a busy one requests wait for
each other more than for that, and what it lacks is CPU.
"""

from __future__ import annotations

import time
from collections.abc import Callable

SPARE_PART = 0.2
"""Part of the interval after which a process with time to spare ships."""
BUSY_SHARE = 0.75
"""Share of a core from which a process is busy."""


def gather(
    interval: float,
    wait: Callable[[float], bool],
    clock: Callable[[], float] = time.monotonic,
    cpu_clock: Callable[[], float] = time.process_time,
) -> None:
    """Wait a part of `interval`, and for all of it where this process was busy meanwhile.

    All in seconds. `wait` waits for so many, and returns True to end all waiting; the clocks tell
    the time and what all threads of the process have used of CPU.
    """
    started, used = clock(), cpu_clock()
    if wait(interval * SPARE_PART):
        return
    waited = clock() - started
    if cpu_clock() - used >= BUSY_SHARE * waited:
        wait(max(0.0, interval - waited))
