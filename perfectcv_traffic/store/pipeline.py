"""Chunks of a log on their way into the database, some prepared ahead by a second process."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import NamedTuple, Protocol

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.log.reader import Chunk, ReplacedError
from perfectcv_traffic.store.batch import Counts
from perfectcv_traffic.store.counted import KnownIdError
from perfectcv_traffic.store.fallback import UNSTORABLE
from perfectcv_traffic.store.group import GROUP_SIZE, GroupCommit, StartAgainError
from perfectcv_traffic.store.helper import Helper
from perfectcv_traffic.store.prepare import Prepared, Task
from perfectcv_traffic.store.segments import Segment


class Work(Protocol):
    """What has to be done with a chunk here, in this process."""

    def is_alone(self, log: Segment, chunk: Chunk) -> bool:
        """Whether only the database tells what of a chunk is to be stored."""
        ...

    def heading(self, log: Segment, chunk: Chunk) -> Task:
        """What there is to say of the lines of a chunk, without them."""
        ...

    def prepared(self, log: Segment, chunk: Chunk) -> Prepared:
        """What is to be inserted, with the summary."""
        ...

    def store_alone(self, log: Segment, chunk: Chunk) -> Counts:
        """Store a chunk in a transaction of its own, line by line if it must be."""
        ...

    def keep_alone(self, log: Segment, end: int) -> None:
        """From now on store chunks of a log alone, up to an offset."""
        ...


class Way(Enum):
    """How a chunk is stored."""

    HERE = "prepared in this process"
    SHARED = "prepared by the helper"
    ALONE = "in a transaction of its own"


class _Entry(NamedTuple):
    chunk: Chunk
    way: Way
    is_last: bool
    """Of its group."""


class Pipeline:
    """Stores chunks of one log, many in a transaction."""

    def __init__(self, work: Work, group: GroupCommit, helper: Helper | None) -> None:
        self._work = work
        self._group = group
        self._helper = helper
        self._is_sum_due = False
        """Whether the helper was given chunks whose summary it was not asked for yet."""
        self._is_sum_coming = False
        """Whether the open group has chunks that were prepared without a summary."""

    def run(self, chunks: Iterable[Chunk], total: Counts) -> None:
        """Store chunks; raises what reading raises once all that was read is stored."""
        errors: list[Exception] = []
        try:
            for entry in self._ahead(_until_error(chunks, errors)):
                self._take(entry, total)
            self._close()
        except BaseException:
            self._group.abandon()
            if self._helper:
                self._helper.forget()
            raise
        if errors:
            raise errors[0]

    def _ahead(self, chunks: Iterable[Chunk]) -> Iterator[_Entry]:
        """The chunks in their order, after the helper began with the next of them."""
        most = self._helper.ahead if self._helper else 1
        waiting: deque[_Entry] = deque()
        size = 0
        for number, chunk in enumerate(chunks):
            while len(waiting) >= most or (waiting and not self._has_room()):
                yield waiting.popleft()
            size += chunk.size
            is_last = size >= (GROUP_SIZE if self._helper else 0)
            waiting.append(_Entry(chunk, self._begin(chunk, number), is_last))
            if is_last:
                size = 0
                self._ask_for_sum()
        self._ask_for_sum()
        yield from waiting

    def _has_room(self) -> bool:
        return self._helper is None or self._helper.has_room()

    def _begin(self, chunk: Chunk, number: int) -> Way:
        log = self._group.log
        if self._work.is_alone(log, chunk):
            return Way.ALONE
        # The process takes as long to start as the first chunk of a log takes to be read.
        if self._helper and number and self._helper.is_worth(chunk):
            self._helper.submit(self._work.heading(log, chunk), chunk.lines)
            self._is_sum_due = True
            return Way.SHARED
        return Way.HERE

    def _ask_for_sum(self) -> None:
        """Of the chunks of a group, before the helper gets one of the next."""
        if self._helper and self._is_sum_due:
            self._helper.submit_sum()
        self._is_sum_due = False

    def _take(self, entry: _Entry, total: Counts) -> None:
        chunk, way, is_last = entry
        if way is Way.ALONE:
            self._group.commit()
            total.add(self._work.store_alone(self._group.log, chunk))
            return
        prepared = self._prepared(chunk, way)
        try:
            self._group.add(chunk, prepared)
        except (sqlite3.IntegrityError, KnownIdError, *UNSTORABLE) as error:
            if way is Way.SHARED or self._group.chunks > 1:
                raise self._again(chunk.identity.offset) from error
            self._group.abandon()
            total.add(self._work.store_alone(self._group.log, chunk))
        if is_last:
            self._close()

    def _prepared(self, chunk: Chunk, way: Way) -> Prepared:
        if way is Way.HERE or self._helper is None:
            return self._work.prepared(self._group.log, chunk)
        self._is_sum_coming = True
        if prepared := self._helper.prepared():
            return prepared
        raise self._again(chunk.identity.offset)

    def _close(self) -> None:
        """End the group."""
        if self._is_sum_coming and self._helper:
            self._is_sum_coming = False
            rows = self._helper.summed()
            if rows is None:
                raise self._again(self._group.log.offset)
            self._group.add_summary(rows)
        self._group.commit()

    def _again(self, end: int) -> StartAgainError:
        self._work.keep_alone(self._group.log, end + GROUP_SIZE)
        return StartAgainError(self._group.log.path)


def _until_error(chunks: Iterable[Chunk], errors: list[Exception]) -> Iterator[Chunk]:
    """Chunks, and in place of an error of reading the end."""
    try:
        yield from chunks
    except (ReplacedError, StorageError, OSError) as error:
        errors.append(error)
