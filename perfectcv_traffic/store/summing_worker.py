"""The process that `summing.SummingProcess` starts."""

from __future__ import annotations

import gc
import marshal
import sys

from perfectcv_traffic import overview
from perfectcv_traffic.columns.folding import Folding
from perfectcv_traffic.log.fold import Lines, Place
from perfectcv_traffic.log.formats import LogFormat
from perfectcv_traffic.store.summing import MARSHAL_VERSION, Channel, Summed
from perfectcv_traffic.summary import TABLES

_NOWHERE = Place("", 0)
"""A summary names no request: where a line stands does not matter."""


def main(memory: list[str]) -> None:
    """Sum up lines until there are no more."""
    gc.disable()  # records hold no cycles
    tasks = Channel(sys.stdin.buffer, int(memory[0]))
    results = Channel(sys.stdout.buffer, int(memory[1]))
    lines = Lines()
    while task := _next_task(tasks):
        results.send(marshal.dumps(tuple(summed(lines, *task)), MARSHAL_VERSION))


def summed(lines: Lines, log_format: LogFormat, data: bytes) -> Summed:
    """The summary of whole lines."""
    folding, records = Folding(), 0
    for batch in lines.batches(data, log_format, _NOWHERE):
        folding.add(batch.records)
        records += len(batch.records)
    tables = [list(folding.rows(table)) for table in TABLES]
    rollups = [list(overview.unlimited_rows(rollup, folding)) for rollup in overview.ROLLUPS]
    return Summed(records, tables + rollups)


def _next_task(tasks: Channel) -> tuple[LogFormat, bytes] | None:
    with tasks.received() as received:
        name, _, data = bytes(received).partition(b"\n")
    return (LogFormat(name.decode()), data) if name else None


if __name__ == "__main__":
    main(sys.argv[1:])
