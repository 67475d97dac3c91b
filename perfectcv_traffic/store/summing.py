"""A second process that sums up the lines which this one makes rows of.

It parses the same bytes and answers with the rows of the summary alone: those are few, whereas to
carry over what is to be stored takes longer than to parse it twice. The process reads from its
standard input and writes to its standard output; when the pipe closes, it ends. Where the system
allows it, the bytes themselves are in memory that both share, and the pipes only carry their
number.
"""

from __future__ import annotations

import contextlib
import marshal
import mmap
import os
import subprocess
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import IO, NamedTuple, Self

from perfectcv_traffic.log.reader import CHUNK_SIZE
from perfectcv_traffic.store.prepare import Task
from perfectcv_traffic.summary import Row

MARSHAL_VERSION = 2
"""Later versions look for repeated objects, which takes longer than it saves."""

SHARED_SIZE = CHUNK_SIZE + 4096
_NO_MEMORY = -1
_LENGTH = 8


class Summed(NamedTuple):
    """The summary of the records in a task."""

    records: int
    rows: list[list[Row]]
    """Rows of each summary table, then of each roll-up."""


class SummingProcess:
    """Sums up tasks elsewhere, one at a time."""

    def __init__(self) -> None:
        memory = [_shared_memory(), _shared_memory()]
        command = [
            sys.executable,
            "-m",
            "perfectcv_traffic.store.summing_worker",
            *map(str, memory),
        ]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the process that stores
            pass_fds=[number for number in memory if number != _NO_MEMORY],
        )
        self._tasks = Channel(self._process.stdin, memory[0])
        self._results = Channel(self._process.stdout, memory[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()  # it holds nothing that could be lost
        self._tasks.close()
        self._results.close()
        self._process.wait()

    def submit(self, task: Task) -> None:
        """Begin with a task; its result has to be taken before the next."""
        self._tasks.send(f"{task.log_format}\n".encode(), task.data)

    def result(self) -> Summed | None:
        """The sums; None when the process is gone."""
        with self._results.received() as data:
            return Summed(*marshal.loads(data)) if data else None


class Channel:
    """Carries bytes one way between two processes."""

    def __init__(self, pipe: IO[bytes] | None, memory: int) -> None:
        self._pipe = pipe
        self._memory = None if memory == _NO_MEMORY else mmap.mmap(memory, SHARED_SIZE)
        if memory != _NO_MEMORY:
            os.close(memory)

    def send(self, *parts: bytes) -> None:
        """Carry bytes over; they are lost when nobody receives them any more."""
        if self._pipe is None:
            return
        length = sum(map(len, parts))
        with contextlib.suppress(BrokenPipeError):
            is_shared = self._memory is not None and length <= SHARED_SIZE
            if self._memory is not None and is_shared:
                self._memory.seek(0)
                for part in parts:  # before their length is known over there
                    self._memory.write(part)
            self._pipe.write(length.to_bytes(_LENGTH))
            if not is_shared:
                self._pipe.writelines(parts)
            self._pipe.flush()

    @contextlib.contextmanager
    def received(self) -> Iterator[bytes | memoryview]:
        """The next bytes, valid within the context; empty at the end."""
        length = int.from_bytes(self._pipe.read(_LENGTH)) if self._pipe else 0
        if self._memory is not None and length <= SHARED_SIZE:
            with memoryview(self._memory) as whole, whole[:length] as part:
                yield part
        else:
            data = self._pipe.read(length) if self._pipe else b""
            yield data if len(data) == length else b""

    def close(self) -> None:
        """Release the pipe and the memory."""
        if self._pipe:
            with contextlib.suppress(OSError):
                self._pipe.close()
        if self._memory is not None:
            self._memory.close()


if sys.platform == "linux":

    def _shared_memory() -> int:
        """A descriptor of memory that a child can share."""
        number = os.memfd_create("perfectcv-traffic")
        os.ftruncate(number, SHARED_SIZE)
        return number

else:

    def _shared_memory() -> int:
        """Nothing: the bytes go through the pipe."""
        return _NO_MEMORY
