"""Whole lines of a range of bytes, in blocks, whatever lies across the borders of the range.

A line belongs to the range in which its first byte is: ranges that cover a file cover each of its
lines once. What stands after the last newline of a file is not a line yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from perfectcv_traffic.log.lines import MAX_LINE
from perfectcv_traffic.log.source import DamagedError, Decompressed

BLOCK = 262_144
"""Bytes that are read at once: they stay in the processor's cache until they are decoded."""


class Blocks:
    """The lines of one range; a block is valid until the next is asked for."""

    def __init__(
        self, file: BinaryIO | Decompressed, start: int = 0, end: int | None = None
    ) -> None:
        """Read `file` from `start`, before `end` if there is one."""
        self._file = file
        self._end = end
        self._buffer = bytearray(BLOCK + MAX_LINE)
        self._kept = 0
        """Bytes of an unfinished line at the beginning of the buffer."""
        self._offset = max(start - 1, 0)
        """Of the beginning of the buffer in the file."""
        self._is_skipping = start > 0
        """Up to the next newline, everything belongs to a line that is not wanted."""
        self._is_too_long = False
        self.place = 0
        """Where in the file the last block began."""
        self.too_long = 0
        """Lines so long that they were passed over."""
        self.is_damaged = False
        """A compressed file ended before its time: there may have been more lines."""
        if self._offset:
            file.seek(self._offset)

    def __iter__(self) -> Iterator[memoryview]:
        """Whole lines, as many as were read at once."""
        view = memoryview(self._buffer)
        while count := self._read(view[self._kept : self._kept + BLOCK]):
            filled = self._kept + count
            begin = self._skipped(filled) if self._is_skipping else 0
            if self._is_beyond(begin):
                return
            border = self._border(begin, filled)
            if border > begin:
                self.place = self._offset + begin
                yield view[begin:border]
            if self._is_beyond(border):
                return
            self._keep(border, filled)

    def _read(self, room: memoryview) -> int:
        """How many bytes were read; none from where a compressed file is damaged."""
        try:
            return self._file.readinto(room) or 0  # type: ignore[union-attr]
        except DamagedError:
            self.is_damaged = True
            return 0

    def _skipped(self, filled: int) -> int:
        newline = self._buffer.find(b"\n", 0, filled)
        if newline < 0:
            return filled
        self._is_skipping = False
        self.too_long += self._is_too_long
        self._is_too_long = False
        return newline + 1

    def _is_beyond(self, place: int) -> bool:
        """Whether a line that begins there belongs to another range."""
        is_line = not self._is_skipping
        return is_line and self._end is not None and self._offset + place >= self._end

    def _border(self, begin: int, filled: int) -> int:
        """Where the whole lines end that begin within the range."""
        border = max(self._buffer.rfind(b"\n", begin, filled) + 1, begin)
        if self._end is None or self._offset + border <= self._end:
            return border
        last = max(begin, self._end - 1 - self._offset)  # in the last line that begins within
        return self._buffer.find(b"\n", last, filled) + 1

    def _keep(self, border: int, filled: int) -> None:
        rest = filled - border
        if rest > MAX_LINE:
            self._is_skipping = self._is_too_long = True
            border, rest = filled, 0
        self._buffer[:rest] = self._buffer[border:filled]
        self._offset += border
        self._kept = rest
