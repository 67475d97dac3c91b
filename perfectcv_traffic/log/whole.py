"""Chunks of native lines decoded in one call each, as long as nothing about them is odd.

Whatever is odd (a line that is no record, a blank one, one that is too long) makes the whole chunk
go line by line through `LineParser`, so that both ways give the same records.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

import msgspec

from perfectcv_traffic.log.lines import MAX_LINE
from perfectcv_traffic.log.native import ERRORS, StoredForm
from perfectcv_traffic.record import TrafficLog

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

PIECE = 524_288
"""Bytes decoded at once: what becomes of them stays in the processor's cache."""

_REPEATED = ("method", "route", "scenario")
"""Fields that take few values: once these are known, none of them is made anew for every line."""
_MOST_VALUES = 512
_MOST_MISSES = 8
_NEWLINE, _OPENING, _CLOSING = b"\n{}"

Decode = Callable[[memoryview], list[TrafficLog]]


class WholeChunks:
    """Decodes chunks of native lines; remembers what values are common."""

    def __init__(self, form: StoredForm) -> None:
        self._form = form
        self._plain = form.decode_lines
        self._learnt: Decode | None = None
        self._known: dict[str, set[str]] = {name: set() for name in _REPEATED}
        self._misses = 0

    def pieces(self, data: bytes) -> Iterator[memoryview]:
        """Whole lines of about `PIECE` bytes; `data` ends in a newline."""
        view, start = memoryview(data), 0
        while start < len(data):
            end = data.rfind(b"\n", start, start + PIECE) + 1
            end = end or data.index(b"\n", start) + 1
            yield view[start:end]
            start = end

    def records(self, lines: memoryview) -> list[TrafficLog] | None:
        """The records of whole lines, one of each; None if there is something odd about one."""
        count = len(object_starts(lines))  # first: the lines may be in the processor's cache still
        records = self.decoded(lines) if count else None
        return records if records and len(records) == count else None

    def decoded(self, lines: memoryview) -> list[TrafficLog] | None:
        """The records in whole lines, wherever one begins and ends; None if something is none."""
        if len(lines) > MAX_LINE:  # a piece is longer only if its one line is
            return None
        try:
            return self._decode(lines)
        except ERRORS:
            return None

    def _decode(self, lines: memoryview) -> list[TrafficLog]:
        if self._learnt:
            try:
                return self._learnt(lines)
            except ERRORS:
                self._misses += 1
        records = self._plain(lines)
        if self._misses < _MOST_MISSES:
            self._learn(records)
        else:
            self._learnt = None
        return records

    def _learn(self, records: Sequence[TrafficLog]) -> None:
        for name, values in self._known.items():
            values.update(filter(None, map(operator.attrgetter(name), records)))
        few = {name: values for name, values in self._known.items() if values}
        if any(len(values) > _MOST_VALUES for values in few.values()):
            self._misses = _MOST_MISSES
            self._learnt = None
            return
        hints: list[Any] = [
            (name, Literal[tuple(sorted(values))] | None, None) for name, values in few.items()
        ]
        twin = msgspec.defstruct("Learnt", hints, bases=(self._form.twin,), gc=False)
        self._learnt = cast(Decode, msgspec.json.Decoder(twin).decode_lines)


def object_starts(lines: memoryview) -> npt.NDArray[np.int64]:
    """Where each line starts if each is from { to }, else nothing.

    Within a JSON value } and { never stand next to each other: so no value goes over two lines.
    """
    import numpy as np  # a short ingest does without it, and starts sooner

    signs = np.frombuffer(lines, np.uint8)
    ends = np.flatnonzero(signs == _NEWLINE)
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])
    is_whole = (signs[starts] == _OPENING).all() and (signs[ends - 1] == _CLOSING).all()
    return starts if is_whole else starts[:0]
