"""A second process that prepares lines of a long log, seen from the one that stores them.

It runs `preparer_main`: reads tasks from its standard input and writes what is to be inserted to
its standard output; when the pipe closes, it ends. It also adds up the summary of the tasks, and
tells it when asked.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import msgpack

from perfectcv_traffic import module_command
from perfectcv_traffic.log.reader import Chunk
from perfectcv_traffic.store.channel import NO_MEMORY, SLOTS, Buffer, Channel, shared_memory
from perfectcv_traffic.store.prepare import Prepared, SummaryRows, Task, unpacked

LONG_LOG = 33_554_432
LONG_CHUNK = 1_048_576
"""Bytes of logs, and of a chunk, from which on a second process saves time."""

SUM = b"sum"
"""The message that asks for the summary of all tasks since the last one."""


class PreparerProcess:
    """Prepares tasks elsewhere, in their order."""

    def __init__(self) -> None:
        memory = [shared_memory(), shared_memory()]
        self._process = subprocess.Popen(
            module_command.python("perfectcv_traffic.store.preparer_main", *memory),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the process that stores
            pass_fds=[number for number in memory if number != NO_MEMORY],
        )
        self._tasks = Channel(self._process.stdin, memory[0])
        self._results = Channel(self._process.stdout, memory[1])
        self._unanswered = 0
        self._most = 2 if memory[0] == NO_MEMORY else SLOTS
        """Messages to be answered at any time: a pipe alone would be blocked by more."""
        self.ahead = max(1, self._most - 2)
        """Tasks to submit before the first result is taken.

        Several: a summary takes as long as a task, and nobody should wait for it meanwhile.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.dismiss()
        self._tasks.close()
        self._results.close()
        self._process.wait()

    def dismiss(self) -> None:
        """Nothing more will be asked: it gives its memory back while the database is closed."""
        self._process.kill()  # it holds nothing that could be lost

    def is_worth(self, chunk: Chunk) -> bool:
        """Whether a chunk is large enough to be sent, and plain."""
        is_plain = chunk.long_line is None and chunk.is_terminated
        is_there = self._process.poll() is None and not self._results.is_broken
        return is_plain and chunk.size >= LONG_CHUNK and is_there

    def has_room(self) -> bool:
        """Whether a task and then a summary may be asked for before the next answer is taken."""
        return self._unanswered + 2 <= self._most

    def submit(self, heading: Task, lines: Buffer) -> None:
        """Begin with lines, while there is room."""
        about = msgpack.encode((heading.log_format, heading.name, heading.start))
        self._send([len(about).to_bytes(2), about, lines])

    def submit_sum(self) -> None:
        """Ask for the summary of the tasks submitted since it was last asked for."""
        self._send([SUM])

    def prepared(self) -> Prepared | None:
        """The result of the next task, without a summary; None when there is none."""
        self._unanswered -= 1
        with self._results.received() as data:
            return unpacked(data) if data else None

    def summed(self) -> SummaryRows | None:
        """The summary that was asked for; None when there is none."""
        self._unanswered -= 1
        with self._results.received() as data:
            return msgpack.decode(data) if data else None  # each row a list

    def forget(self) -> None:
        """Pass over whatever was submitted, the summary of it too."""
        self._pass_over()
        self.submit_sum()
        self._pass_over()

    def _pass_over(self) -> None:
        while self._unanswered:
            self._unanswered -= 1
            with self._results.received():
                pass

    def _send(self, parts: Sequence[Buffer]) -> None:
        if self._unanswered >= self._most:
            raise RuntimeError("the second process was asked for more than there is room for")
        self._tasks.send(parts)
        self._unanswered += 1


@contextmanager
def preparing(logs: Sequence[Path], *, wanted: bool) -> Iterator[PreparerProcess | None]:
    """A second process for logs that are long enough, if it is wanted."""
    with ExitStack() as early:
        started = [early.enter_context(process) for process in _early]
        _early.clear()
        if not wanted or not _are_long(logs):
            early.close()
            yield None
        elif started:
            yield started[0]
        else:
            with PreparerProcess() as process:
                yield process


_early: list[PreparerProcess] = []
"""Started, and not asked for yet."""


def start_early(log: Path) -> None:
    """Start the process if the log is long enough: `preparing` will give it.

    Nobody waits then until it is loaded. If it is not asked for, it ends with this process.
    """
    if _are_long([log]):
        _early.append(PreparerProcess())


def _are_long(logs: Sequence[Path]) -> bool:
    size = sum(log.stat().st_size for log in logs if log.is_file())
    return size >= LONG_LOG and (os.cpu_count() or 1) > 1
