"""The last of many records, as they come by."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from perfectcv_traffic.record import TrafficLog


class Latest:
    """Keeps the last `most` records, in the lists in which they came: none is looked at."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lists: deque[Sequence[TrafficLog]] = deque()
        self._kept = 0

    def add(self, records: Sequence[TrafficLog]) -> None:
        """Take records that follow; the list must not change any more."""
        if not (self._most and records):
            return
        self._lists.append(records)
        self._kept += len(records)
        while self._kept - len(self._lists[0]) >= self._most:
            self._kept -= len(self._lists.popleft())

    def records(self) -> Iterator[TrafficLog]:
        """The last of them, oldest first."""
        return islice(chain.from_iterable(self._lists), max(0, self._kept - self._most), None)
