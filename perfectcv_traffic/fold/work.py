"""Folding one split: what every worker does, in this process, in another or on another machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from functools import cache
from itertools import compress
from operator import attrgetter
from typing import BinaryIO, NamedTuple, Protocol

from perfectcv_traffic.fold import files
from perfectcv_traffic.fold.blocks import Blocks
from perfectcv_traffic.fold.event_ids import EventIds
from perfectcv_traffic.fold.latest import Latest
from perfectcv_traffic.fold.part import Part, Values
from perfectcv_traffic.fold.splits import Split
from perfectcv_traffic.garbage import no_collection
from perfectcv_traffic.log.fold import Batch, Lines, Place
from perfectcv_traffic.log.formats import LogFormat
from perfectcv_traffic.log.source import MAGIC_LENGTH, decompressor
from perfectcv_traffic.record import TrafficLog

_HEAD = 65_536
"""Bytes from which the format of a log is told, when more of it is read elsewhere."""

Test = Callable[[TrafficLog], bool]


class RecordFilter(Protocol):
    """Which records are wanted; can be pickled."""

    def test(self) -> Test:
        """Whether a record is wanted."""
        ...


class Task(NamedTuple):
    """What is wanted of each split."""

    selection: RecordFilter | None = None
    fields: tuple[str, ...] = ()
    """Fields of the latest records whose values are wanted."""
    most: int = 0
    """How many of the latest records."""


class StoppedError(Exception):
    """The work was called off."""


def _never() -> bool:
    return False


is_stopping: Callable[[], bool] = _never
"""Asked now and then; a pool's workers replace it."""


def fold_split(
    split: Split, task: Task, *, keep_latest: bool = False, known: EventIds | None = None
) -> Part:
    """The lines of a split folded, without the records that are `known` from elsewhere.

    Raises `StorageError` for a log that cannot be read, `StoppedError` when called off.
    """
    worker = _Worker(split.log, task, keep_latest=keep_latest, known=known)
    with no_collection():
        for batch in _batches(split):
            worker.add(batch)
            del batch  # before the next is decoded: into the same memory, still in the cache
    return worker.part()


class _Worker:
    def __init__(self, log: str, task: Task, *, keep_latest: bool, known: EventIds | None) -> None:
        self._log = log
        self._part = Part(ids=known or EventIds())
        self._passes = task.selection.test() if task.selection else None
        self._fields = task.fields
        self._latest = Latest(task.most if keep_latest else 0)

    def add(self, batch: Batch) -> None:
        if is_stopping():
            raise StoppedError
        self._part.rejected += batch.rejected
        if batch.is_damaged:
            self._part.damaged.append(self._log)
        records = self._new(batch.records) if batch.records else []
        self._part.recorded += len(records)
        wanted = list(filter(self._passes, records)) if self._passes else records
        self._part.folding.add(wanted)
        self._latest.add(wanted)

    def _new(self, records: list[TrafficLog]) -> list[TrafficLog]:
        is_new = self._part.ids.add([record.event_id for record in records])
        if is_new is None:
            return records
        new = list(compress(records, is_new))
        self._part.duplicates += len(records) - len(new)
        return new

    def part(self) -> Part:
        self._part.folding.settle()
        self._part.ids.settle()
        self._part.latest = _values(self._latest.records(), self._fields)
        return self._part


def _values(records: Iterable[TrafficLog], fields: tuple[str, ...]) -> list[Values]:
    return list(map(attrgetter(*fields), records)) if len(fields) > 1 else []


def _batches(split: Split) -> Iterator[Batch]:
    with files.opened(split.name, 0 if split.is_stream else _HEAD) as file:
        head = file.read(_HEAD)
    if decompress := decompressor(head[:MAGIC_LENGTH]):
        if split.start == 0:
            with _opened(split) as file:
                yield from _whole(split.log, Blocks(decompress(file)))
        return
    log_format = _lines().detect(head[: head.rfind(b"\n") + 1])
    with _opened(split) as file:
        if log_format is not None:
            end = None if split.is_stream else split.end
            yield from _ranged(split.log, Blocks(file, split.start, end), log_format)
        elif split.start == 0:  # nothing recognised yet: only who reads all of it can find out
            yield from _whole(split.log, Blocks(file))


def _opened(split: Split) -> AbstractContextManager[BinaryIO]:
    return files.opened(split.name, 0) if split.is_stream else files.opened(split.name)


def _ranged(log: str, blocks: Blocks, log_format: LogFormat) -> Iterator[Batch]:
    for lines in blocks:
        yield _lines().batch(lines, log_format, Place(log, blocks.place))
    yield Batch([], blocks.too_long)


def _whole(log: str, blocks: Blocks) -> Iterator[Batch]:
    log_format: LogFormat | None = None
    for lines in blocks:
        if log_format is None:
            log_format = _lines().detect(bytes(lines))
        place = Place(log, blocks.place)
        yield _lines().batch(lines, log_format or LogFormat.NATIVE, place)
    yield Batch([], blocks.too_long, blocks.is_damaged)


@cache
def _lines() -> Lines:
    return Lines()
