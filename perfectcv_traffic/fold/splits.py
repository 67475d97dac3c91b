"""The work of folding logs, cut into pieces that can be done anywhere in any order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import NamedTuple

from perfectcv_traffic.fold.files import FoundLog

LEAST = 16_777_216
MOST = 268_435_456
"""Bytes of a split: fewer are not worth a process, with more its worker needs more memory."""
_SHARES = 1.5
"""How many splits of its size each worker would get of what is left."""


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


def splits(files: Iterable[FoundLog], workers: int) -> list[Split]:
    """Splits that cover files, in their order, for so many workers.

    They become smaller to the end: few in all, as each part hands back its own texts, and yet all
    workers end at about the same time (Polychronopoulos and Kuck: "Guided self-scheduling", 1987).
    """
    known = list(files)
    left = sum(file.size for file in known)
    found: list[Split] = []
    for file in known:
        found += _of_file(file, left, workers)
        left -= file.size
    return found


def _of_file(file: FoundLog, left: int, workers: int) -> Iterator[Split]:
    if file.is_stream:
        yield Split(file.name, 0, file.size, is_stream=True)
        return
    start = 0
    while start < file.size:
        size = min(max(int((left - start) / (workers * _SHARES)), LEAST), MOST)
        end = start + size if file.size - start - size >= LEAST // 2 else file.size
        yield Split(file.name, start, end)
        start = end
