"""The fold of logs that is begun while libraries are still loaded; see `cli/ahead.py`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfectcv_traffic.fold.run import Run

_begun: list[tuple[list[str], Run]] = []


def begin(names: list[str], stack: ExitStack) -> None:
    """Begin to fold all lines of logs; the stack ends the workers."""
    from perfectcv_traffic.analysis.latest import FIELDS, MOST
    from perfectcv_traffic.fold import pool
    from perfectcv_traffic.fold.files import found
    from perfectcv_traffic.fold.run import Run
    from perfectcv_traffic.fold.work import Task

    files, count = found(names), pool.cores()
    executor = stack.enter_context(pool.workers(count))
    _begun[:] = [(names, Run(files, executor, count, Task(None, FIELDS, MOST)))]
    stack.callback(_begun.clear)


def taken(names: list[str]) -> Run | None:
    """The fold of all lines of these logs if it was begun; nobody else gets it."""
    if not _begun or _begun[0][0] != names:
        return None
    return _begun.pop()[1]
