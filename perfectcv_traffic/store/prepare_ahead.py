"""Chunks of a long log, some prepared ahead by a second process while others are stored.

What comes out is in the order of what goes in. Many chunks make one transaction; their summary is
added up over there and comes with the last of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from typing import NamedTuple

from perfectcv_traffic.log.reader import Chunk
from perfectcv_traffic.store.parsing import Parsing
from perfectcv_traffic.store.prepare import Prepared
from perfectcv_traffic.store.preparer_process import PreparerProcess
from perfectcv_traffic.store.ready import Ready
from perfectcv_traffic.store.segments import Segment

GROUP_SIZE = 33_554_432
"""Bytes of a transaction: nobody else writes meanwhile, some tenths of a second."""


class NotPreparedError(Exception):
    """The second process did not answer, or not as it should."""


class _Begun(NamedTuple):
    chunk: Chunk
    is_shared: bool
    """Whether the second process prepares it."""
    ends: bool
    """Whether its transaction ends with it."""


class Ahead:
    """Prepares chunks of one log after the other."""

    def __init__(self, parsing: Parsing, process: PreparerProcess) -> None:
        self._parsing = parsing
        self._process = process
        self._is_sum_due = False
        """Whether chunks were sent whose summary was not asked for yet."""
        self._is_sum_coming = False
        """Whether the open transaction has chunks that came without a summary."""

    def ready(self, log: Segment, chunks: Iterable[Chunk]) -> Generator[Ready, None, None]:
        """What each chunk's transaction inserts; raises `NotPreparedError`."""
        self._is_sum_due = self._is_sum_coming = False
        try:
            yield from self._ready(log, chunks)
        except BaseException:  # also if nobody takes what comes next
            self._process.forget()
            raise

    def _ready(self, log: Segment, chunks: Iterable[Chunk]) -> Generator[Ready, None, None]:
        begun: deque[_Begun] = deque()
        size = 0
        for number, chunk in enumerate(chunks):
            while begun and not self._has_room(begun):
                yield self._finished(log, begun.popleft())
            size += chunk.size
            ends = size >= GROUP_SIZE
            # It takes as long to start as the first chunk of a log takes to be read.
            begun.append(self._begin(log, chunk, ends=ends, may_share=number > 0))
            size = 0 if ends else size
        self._ask_for_sum()
        while begun:
            one = begun.popleft()
            yield self._finished(log, one if begun else one._replace(ends=True))

    def _has_room(self, begun: deque[_Begun]) -> bool:
        return len(begun) < self._process.ahead and self._process.has_room()

    def _begin(self, log: Segment, chunk: Chunk, *, ends: bool, may_share: bool) -> _Begun:
        is_shared = may_share and self._process.is_worth(chunk)
        if is_shared:
            self._process.submit(self._parsing.heading(log, chunk), chunk.lines)
            self._is_sum_due = True
        if ends:
            self._ask_for_sum()
        return _Begun(chunk, is_shared, ends)

    def _ask_for_sum(self) -> None:
        """Of the chunks of a transaction, before one of the next is sent."""
        if self._is_sum_due:
            self._process.submit_sum()
        self._is_sum_due = False

    def _finished(self, log: Segment, one: _Begun) -> Ready:
        prepared = self._prepared(log, one)
        if one.ends and self._is_sum_coming:
            self._is_sum_coming = False
            summary = self._process.summed()
            if summary is None:
                raise NotPreparedError
            prepared.summaries.append(summary)
        return Ready(one.chunk, prepared, one.ends)

    def _prepared(self, log: Segment, one: _Begun) -> Prepared:
        if not one.is_shared:
            return self._parsing.prepared(log, one.chunk)
        self._is_sum_coming = True
        if prepared := self._process.prepared():
            return prepared
        raise NotPreparedError
