"""Messages one way between two processes: short ones in a pipe, long ones in memory they share.

Where the system has no such memory everything goes through the pipe.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import sys
from collections.abc import Iterator, Sequence
from typing import IO

from perfectcv_traffic.log.reader import CHUNK_SIZE

SLOT_SIZE = CHUNK_SIZE + 4096
"""Room for a chunk and what is said of it."""
SLOTS = 7
"""Messages that may be on their way at once: another would be written over one not read yet."""

LARGEST = 2**30
"""Bytes of a message; what says that it is longer is none, but something else in the pipe."""

NO_MEMORY = -1
_SHORT = 4096
_LENGTH = 8

Buffer = bytes | memoryview


class Channel:
    """One end of the way; both ends count the messages, and so know where the next one is."""

    def __init__(self, pipe: IO[bytes] | None, memory: int) -> None:
        """`memory` is a descriptor from `shared_memory`, closed here."""
        self._pipe = pipe
        self._memory = None if memory == NO_MEMORY else mmap.mmap(memory, SLOTS * SLOT_SIZE)
        self._messages = 0
        self.is_broken = False
        """Whether something came that was no message: nothing that follows can be told apart."""
        if memory != NO_MEMORY:
            os.close(memory)

    def send(self, parts: Sequence[Buffer]) -> None:
        """Carry bytes over; they are lost when nobody receives them any more.

        In place of more than `LARGEST` none are sent.
        """
        if self._pipe is None:
            return
        length = sum(map(len, parts))
        if length > LARGEST:
            length, parts = 0, ()
        with contextlib.suppress(BrokenPipeError):
            slot = self._slot(length)
            if slot is not None:  # before their length is known over there
                _fill(slot, parts)
            self._pipe.write(length.to_bytes(_LENGTH))
            if slot is None:
                self._pipe.writelines(parts)
            self._pipe.flush()

    @contextlib.contextmanager
    def received(self) -> Iterator[Buffer]:
        """The next message, valid within the context; empty at the end, and once it is broken."""
        length = self._length()
        slot = self._slot(length)
        if slot is not None:
            with slot:
                yield slot
        else:
            data = self._pipe.read(length) if self._pipe else b""
            yield data if len(data) == length else b""

    def _length(self) -> int:
        if self._pipe is None or self.is_broken:
            return 0
        length = int.from_bytes(self._pipe.read(_LENGTH))
        self.is_broken = length > LARGEST
        return 0 if self.is_broken else length

    def close(self) -> None:
        """Release the pipe and the memory."""
        if self._pipe:
            with contextlib.suppress(OSError):
                self._pipe.close()
        if self._memory is not None:
            self._memory.close()

    def _slot(self, length: int) -> memoryview | None:
        """Where in memory the next message is; None if it goes through the pipe."""
        self._messages += 1
        if self._memory is None or not _SHORT < length <= SLOT_SIZE:
            return None
        start = self._messages % SLOTS * SLOT_SIZE
        with memoryview(self._memory) as whole:
            return whole[start : start + length]


def _fill(slot: memoryview, parts: Sequence[Buffer]) -> None:
    start = 0
    with slot:
        for part in parts:
            slot[start : start + len(part)] = part
            start += len(part)


if sys.platform == "linux":

    def shared_memory() -> int:
        """A descriptor of memory that a child can share."""
        number = os.memfd_create("perfectcv-traffic")
        os.ftruncate(number, SLOTS * SLOT_SIZE)
        return number

else:

    def shared_memory() -> int:
        """Nothing: all goes through the pipe."""
        return NO_MEMORY
