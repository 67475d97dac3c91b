"""Which lines were counted: each `event_id` once, though a log was copied or restored.

The recorder's ids are sixteen hexadecimal digits of the writing process and eight of its counter:
a log is a few intervals. Ids of any other form are kept as hashes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from perfectcv_traffic.fold.intervals import Flags, Integers, Intervals

_LENGTH = 24
_WORDS = np.dtype(">u4")
_MOST = 2**32 - 1
_PENDING = 4096
"""Intervals of one writer that are gathered before they are put in order."""


class EventIds:
    """A set of event ids; pickled, it is small."""

    def __init__(self) -> None:
        self._writers: dict[int, _Counter] = {}
        self._others: set[bytes] = set()

    def add(self, ids: Sequence[str | None]) -> Flags | None:
        """Take ids in; says which were new, None if all of them were.

        A line without an id is always new: nothing tells it from others.
        """
        if (run := _run(ids)) is not None:
            return self._of_writer(run.writer).add_run(run)
        if not any(ids):
            return None
        numbers = _numbers(ids)
        if numbers is None:
            return self._add_one_by_one(ids)
        writers, counts = numbers
        if (writers == writers[0]).all():
            return self._of_writer(int(writers[0])).add(counts)
        return self._add_of_several(writers, counts)

    def _add_of_several(self, writers: npt.NDArray[np.uint64], counts: Integers) -> Flags | None:
        is_new = np.ones(len(counts), dtype=np.bool_)
        for writer in np.unique(writers):
            own = writers == writer
            found = self._of_writer(int(writer)).add(counts[own])
            if found is not None:
                is_new[own] = found
        return None if is_new.all() else is_new

    def _add_one_by_one(self, ids: Sequence[str | None]) -> Flags | None:
        is_new = np.array([one is None or self._add(one) for one in ids], dtype=np.bool_)
        return None if is_new.all() else is_new

    def _add(self, event_id: str) -> bool:
        if (numbers := _numbers([event_id])) is not None:
            return self._of_writer(int(numbers[0][0])).add(numbers[1]) is None
        digest = hashlib.blake2b(event_id.encode(), digest_size=16).digest()
        is_new = digest not in self._others
        self._others.add(digest)
        return is_new

    def _of_writer(self, writer: int) -> _Counter:
        return self._writers.setdefault(writer, _Counter())

    def settle(self) -> None:
        """Put everything in order, so that it takes little room."""
        for counter in self._writers.values():
            counter.intervals()

    def meets(self, other: EventIds) -> bool:
        """Whether any id is in both."""
        return not self._others.isdisjoint(other._others) or any(
            self._writers[writer].intervals().meets(counter.intervals())
            for writer, counter in other._writers.items()
            if writer in self._writers
        )

    def within(self, other: EventIds) -> EventIds:
        """Those of the ids that may be in the other set: of its writers, and its hashes."""
        found = EventIds()
        found._writers = {w: own for w, own in self._writers.items() if w in other._writers}
        found._others = self._others & other._others
        return found

    def update(self, other: EventIds) -> None:
        """Take in another set."""
        self._others |= other._others
        for writer, counter in other._writers.items():
            own = self._writers.get(writer)
            self._writers[writer] = counter if own is None else own.joined(counter)


class _Counter:
    """The numbers of one writer, which mostly come in their order."""

    def __init__(self, known: Intervals | None = None) -> None:
        self._known = known
        self._pending: list[Intervals] = []
        self._end = 0 if known is None else int(known.ends[-1])

    def add(self, numbers: Integers) -> Flags | None:
        if int(numbers[0]) >= self._end and (np.diff(numbers) > 0).all():
            self._append(Intervals.of(numbers))
            return None
        return self._add_in_disorder(numbers)

    def add_run(self, run: _Run) -> Flags | None:
        if run.start < self._end:
            return self._add_in_disorder(np.arange(run.start, run.end))
        self._append(Intervals(np.array([run.start]), np.array([run.end])))
        return None

    def _append(self, found: Intervals) -> None:
        self._pending.append(found)
        self._end = int(found.ends[-1])
        if len(self._pending) >= _PENDING:
            self.intervals()

    def _add_in_disorder(self, numbers: Integers) -> Flags | None:
        different, first = np.unique(numbers, return_index=True)
        known = self.intervals() if self._end else None
        is_unknown = np.ones(len(different), np.bool_) if known is None else ~known.has(different)
        is_new = np.zeros(len(numbers), dtype=np.bool_)
        is_new[first[is_unknown]] = True
        if is_unknown.any():
            fresh = Intervals.of(different[is_unknown])
            self._known = fresh if known is None else known.union(fresh)
            self._end = int(self._known.ends[-1])
        return None if is_new.all() else is_new

    def intervals(self) -> Intervals:
        """All of its numbers; there is at least one."""
        if self._pending:
            parts = self._pending if self._known is None else [self._known, *self._pending]
            starts = np.concatenate([part.starts for part in parts])
            ends = np.concatenate([part.ends for part in parts])
            nothing = Intervals(starts[:0], ends[:0])
            self._known, self._pending = Intervals(starts, ends).union(nothing), []
        assert self._known is not None
        return self._known

    def joined(self, other: _Counter) -> _Counter:
        return _Counter(self.intervals().union(other.intervals()))


class _Run(NamedTuple):
    """Consecutive numbers of one writer."""

    writer: int
    start: int
    end: int


def _run(ids: Sequence[str | None]) -> _Run | None:
    """Ids as a run, as a log of one process has them; None if they are none.

    They are held against the text of the run that begins with the first: cheaper than to read them.
    """
    first = _numbers(ids[:1])
    if first is None:
        return None
    writer, start = int(first.writers[0]), int(first.counts[0])
    words = np.empty((len(ids), 3), _WORDS)
    words[:] = writer >> 32, writer & _MOST, 0
    words[:, 2] = np.arange(start, start + len(ids)) & _MOST
    if start + len(ids) > _MOST or words.tobytes().hex("\n", _LENGTH // 2) != _joined(ids):
        return None
    return _Run(writer, start, start + len(ids))


def _joined(ids: Sequence[str | None]) -> str | None:
    try:
        return "\n".join(ids)  # type: ignore[arg-type]
    except TypeError:
        return None


class _Numbers(NamedTuple):
    writers: npt.NDArray[np.uint64]
    counts: Integers


def _numbers(ids: Sequence[str | None]) -> _Numbers | None:
    """Ids as writers and counts; None if any of them is not of the recorder's form."""
    try:
        joined = "".join(ids)  # type: ignore[arg-type]
        data = bytes.fromhex(joined)
    except (TypeError, ValueError):
        return None
    if data.hex() != joined or set(map(len, ids)) != {_LENGTH}:  # type: ignore[arg-type]
        return None
    words = np.frombuffer(data, _WORDS).reshape(-1, 3).astype(np.uint64)
    return _Numbers(words[:, 0] << np.uint64(32) | words[:, 1], words[:, 2].astype(np.int64))
