"""Logs folded by any executor: the splits are folded anywhere, their parts put together in order.

Each record counts once, the first time that it comes in the order of the logs, whoever folds which
split when. A split that repeats records of earlier ones is folded again without these.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from itertools import chain, islice

from perfectcv_traffic.fold.event_ids import EventIds
from perfectcv_traffic.fold.files import FoundLog
from perfectcv_traffic.fold.part import Part, Values, together
from perfectcv_traffic.fold.splits import Split, splits
from perfectcv_traffic.fold.work import Task, fold_split

Progress = Callable[[int], None]
"""Told the number of bytes that were folded."""

_ENOUGH_FOR_LATEST = 20_971_520
"""Bytes at the end of the logs in which the latest records are looked for first."""
_HERE = 64
"""Parts that are put together by who asked for them: all of them are as large as the result."""
_BRANCHES = 8
_BRANCHES_SIZE = 134_217_728
"""Parts that a worker puts together when there are more, and bytes of logs that they come from: it
needs memory for them and for their sum."""


class ChainingExecutor(Executor):
    """Takes its own futures as arguments, so that results need not come here in between."""


class Run:
    """The fold of some logs, under way from the beginning."""

    def __init__(
        self, logs: Sequence[FoundLog], executor: Executor, workers: int, task: Task | None = None
    ) -> None:
        """Begin."""
        self._executor = executor
        self._task = task or Task()
        self._splits = splits(logs, workers)
        self._first_kept = _first_kept(self._splits, self._task)
        self._known: dict[int, EventIds] = {}
        """Of a split that repeats records: which of them earlier splits have."""
        self._ahead = workers * 2
        self._left = iter(range(len(self._splits)))
        self._waiting: dict[int, Future[Part]] = {}
        if not self._is_for_a_tree():
            self._submit_latest()
            self._submit_ahead()

    def _is_for_a_tree(self) -> bool:
        return isinstance(self._executor, ChainingExecutor) and len(self._splits) > _HERE

    @property
    def size(self) -> int:
        """Bytes to be folded."""
        return sum(split.size for split in self._splits)

    def result(self, progress: Progress = lambda _bytes: None) -> Part:
        """Everything; raises what folding raised."""
        total = self._tree(progress) if self._is_for_a_tree() else None
        if total is None or total.overlaps:
            total = self._in_order(progress)
        self._complete_latest(total)
        return total

    def _submit(self, number: int) -> Future[Part]:
        keep = number >= self._first_kept
        known = self._known.get(number)
        return self._executor.submit(
            fold_split, self._splits[number], self._task, keep_latest=keep, known=known
        )

    def _submit_latest(self) -> None:
        """The end of the logs first: much can be told of it while the rest is folded."""
        if self._first_kept:
            kept = range(self._first_kept, len(self._splits))
            self._waiting = {number: self._submit(number) for number in kept}
            self._left = iter(range(self._first_kept))
            self._ahead += len(kept)

    def _submit_ahead(self) -> None:
        for number in islice(self._left, self._ahead - len(self._waiting)):
            self._waiting[number] = self._submit(number)

    def latest(self) -> list[Values]:
        """What `result` will most likely have as the latest records, long before it; may be none.

        It will not if earlier logs have some of them too, or if they are fewer than wanted.
        """
        kept = range(self._first_kept, len(self._splits)) if self._first_kept else ()
        futures = [self._waiting[number] for number in kept if number in self._waiting]
        records = chain.from_iterable(future.result().latest for future in futures)
        return list(records)[-self._task.most :]

    def _in_order(self, progress: Progress) -> Part:
        total = Part()
        for number in range(len(self._splits)):
            self._submit_ahead()
            part = self._waiting.pop(number).result()
            if total.ids.meets(part.ids):
                self._known[number] = total.ids.within(part.ids)
                part = self._submit(number).result()
            total.take(part, self._task.most)
            progress(self._splits[number].size)
        total.overlaps = False
        return total

    def _tree(self, progress: Progress) -> Part:
        """Some parts put together where they are, these here; only so many at a time wait.

        All levels where the parts are would take fewer bytes to get here, but as much memory there
        as the result has.
        """
        total, waiting = Part(), deque[Future[Part]]()
        groups = _groups(self._splits)
        ahead = 2 + self._ahead // _BRANCHES
        while True:
            for some in islice(groups, ahead - len(waiting)):
                waiting.append(self._submit_together(some, progress))
            if not waiting:
                return total
            total.take(waiting.popleft().result(), self._task.most)

    def _submit_together(self, numbers: Sequence[int], progress: Progress) -> Future[Part]:
        parts = []
        for number in numbers:
            part, size = self._submit(number), self._splits[number].size
            part.add_done_callback(lambda _, size=size: progress(size))  # type: ignore[misc]
            parts.append(part)
        if len(parts) == 1:
            return parts[0]
        submit: Callable[..., Future[Part]] = self._executor.submit
        return submit(together, self._task.most, *parts)

    def _complete_latest(self, total: Part) -> None:
        """Look further back, as long as there are fewer of the latest records than wanted."""
        while self._first_kept > 0 and len(total.latest) < self._task.most:
            self._first_kept -= 1
            earlier = self._submit(self._first_kept).result()
            total.latest = [*earlier.latest, *total.latest][-self._task.most :]


def _groups(pieces: Sequence[Split]) -> Iterator[list[int]]:
    """Numbers of splits that follow each other, as many as a worker puts together."""
    some: list[int] = []
    size = 0
    for number, piece in enumerate(pieces):
        if some and (len(some) == _BRANCHES or size + piece.size > _BRANCHES_SIZE):
            yield some
            some, size = [], 0
        some.append(number)
        size += piece.size
    if some:
        yield some


def _first_kept(pieces: Sequence[Split], task: Task) -> int:
    """The first split whose latest records are kept: of a selection, any may have some."""
    if task.selection is not None:
        return 0
    size, first = 0, len(pieces)
    while first > 0 and size < _ENOUGH_FOR_LATEST:
        first -= 1
        size += pieces[first].size
    return first
