"""What the process of `preparer_process.PreparerProcess` runs: a `Preparer` behind two pipes."""

from __future__ import annotations

import gc
import signal
import sys

import msgspec

from perfectcv_traffic.columns.folding import Folding
from perfectcv_traffic.log.formats import Formats
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.redaction import Redactor
from perfectcv_traffic.store import library
from perfectcv_traffic.store.channel import Buffer, Channel
from perfectcv_traffic.store.prepare import Preparer, SummaryRows, Task
from perfectcv_traffic.store.preparer_process import SUM
from perfectcv_traffic.summary import overview
from perfectcv_traffic.summary.tables import TABLES


def main(memory: list[str]) -> None:
    """Answer until there is nothing more to answer."""
    # Ctrl-C is for the process that stores; where there are no sessions, it reaches this one too.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # records hold no cycles
    library.keep_memory()
    tasks = Channel(sys.stdin.buffer, int(memory[0]))
    results = Channel(sys.stdout.buffer, int(memory[1]))
    worker = Worker()
    while True:
        with tasks.received() as received:
            message = received if len(received) <= len(SUM) else _task(received)
        if not message:
            return
        results.send([worker.answer(message)])


class Worker:
    """Prepares tasks, and adds up what they are about."""

    def __init__(self) -> None:
        form = StoredForm()
        self._preparer = Preparer(form, Formats(form, Redactor()), with_numpy=True)
        self._folding = Folding()

    def answer(self, message: Task | Buffer) -> bytes:
        """What was asked for, as bytes; none when something is odd about it."""
        try:
            found = self._prepared(message) if isinstance(message, Task) else self._summed()
            return msgspec.msgpack.encode(found)
        except (UnicodeError, OverflowError):  # what cannot be carried cannot be stored either
            return b""

    def _prepared(self, task: Task) -> object:
        return self._preparer.prepare(task, self._folding.add)

    def _summed(self) -> SummaryRows:
        folding, self._folding = self._folding, Folding()
        tables = [list(folding.rows(table)) for table in TABLES]
        return tables + [
            list(overview.unlimited_rows(r, folding.for_rollup(r))) for r in overview.ROLLUPS
        ]


def _task(received: Buffer) -> Task:
    length = int.from_bytes(received[:2])
    log_format, name, start = msgspec.msgpack.decode(received[2 : 2 + length])
    return Task(log_format, name, start, bytes(received[2 + length :]))


if __name__ == "__main__":
    main(sys.argv[1:])
