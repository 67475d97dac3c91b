"""A second process and a thread that share the work of a long log."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from perfectcv_traffic.log.reader import Chunk
from perfectcv_traffic.store.summing import SummingProcess

LONG_LOG = 33_554_432
WORTH_HELP = 1_048_576
"""Bytes of logs, and of a chunk, from which on help saves time."""

SWITCH_INTERVAL = 0.0002
"""Seconds after which the thread that stores gets the interpreter: it needs it little but often."""


class Helper(NamedTuple):
    """What shares the work."""

    process: SummingProcess
    thread: ThreadPoolExecutor
    """Stores; one chunk at a time."""

    def is_worth(self, chunk: Chunk) -> bool:
        """Whether a chunk is large enough to be shared."""
        return chunk.size >= WORTH_HELP and chunk.long_line is None


@contextmanager
def help_with(logs: Sequence[Path], *, wanted: bool) -> Iterator[Helper | None]:
    """Help for logs that are long enough, if it is wanted."""
    size = sum(log.stat().st_size for log in logs)
    if not wanted or size < LONG_LOG:
        yield None
        return
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        with SummingProcess() as process, ThreadPoolExecutor(1) as thread:
            yield Helper(process, thread)
    finally:
        sys.setswitchinterval(before)
