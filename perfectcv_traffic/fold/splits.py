"""The work of folding logs, cut into pieces that can be done anywhere in any order."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import NamedTuple

from perfectcv_traffic.fold.files import LogFile

LEAST = 16_777_216
MOST = 268_435_456
"""Bytes of a split: fewer are not worth a process, with more the last one takes too long."""
_PER_WORKER = 8
"""Splits that each worker gets, so that all end at about the same time."""


class Split(NamedTuple):
    """The lines of a log that begin within a range of its bytes.

    A compressed log cannot be entered in the middle: its first split is all of it.
    """

    name: str
    start: int
    end: int
    is_stream: bool = False
    """The log cannot be entered in the middle; its end is where reading ends."""

    @property
    def log(self) -> str:
        """The name of the log without the folder that it is in."""
        return PurePath(self.name).name

    @property
    def size(self) -> int:
        """Bytes of the range."""
        return self.end - self.start


def splits(files: Iterable[LogFile], workers: int) -> list[Split]:
    """Splits that cover files, in their order, for so many workers."""
    known = list(files)
    wanted = sum(file.size for file in known) // (workers * _PER_WORKER)
    size = min(max(wanted, LEAST), MOST)
    return [split for file in known for split in _of_file(file, size)]


def _of_file(file: LogFile, size: int) -> Iterator[Split]:
    if file.is_stream:
        return iter([Split(file.name, 0, file.size, is_stream=True)])
    parts = max(1, round(file.size / size))
    borders = [file.size * part // parts for part in range(parts + 1)]
    return (Split(file.name, start, end) for start, end in itertools.pairwise(borders))
