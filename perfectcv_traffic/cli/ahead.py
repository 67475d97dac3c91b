"""What takes long begun before the command line is understood: workers work while it is loaded.

`ingest` of a long log gets its helper. A fold of logs is begun where there is no doubt: the logs
are files, long enough, and no option and no variable chooses among their lines or says who reads
them. Anything else begins once all of it is understood.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from perfectcv_traffic.errors import TrafficError

if TYPE_CHECKING:
    from perfectcv_traffic.fold.run import Run

_COMMANDS = frozenset({"analyze", "report"})
_SHOWING = frozenset({"--no-charts", "--json", "--csv", "--markdown"})
"""Options that say how answers are shown."""

_begun: list[tuple[list[str], Run]] = []


@contextmanager
def begun(arguments: Sequence[str]) -> Iterator[None]:
    """Begin with what the arguments are sure to ask for; what is left of it ends with this."""
    if arguments[:1] == ["ingest"]:
        from perfectcv_traffic.store import helper

        helper.start_early(arguments[1:])
    with ExitStack() as stack:
        if names := logs(arguments):
            # Whatever is in the way is told when it is in the way again.
            with suppress(TrafficError, OSError):
                _begun[:] = [(names, _run(names, stack))]
        try:
            yield
        finally:
            _begun.clear()


def _run(names: list[str], stack: ExitStack) -> Run:
    from perfectcv_traffic.analysis.latest import FIELDS, MOST
    from perfectcv_traffic.fold import pool
    from perfectcv_traffic.fold.files import found
    from perfectcv_traffic.fold.run import Run
    from perfectcv_traffic.fold.work import Task

    files, count = found(names), pool.cores()
    executor = stack.enter_context(pool.workers(count))
    return Run(files, executor, count, Task(None, FIELDS, MOST))


def taken(names: list[str]) -> Run | None:
    """The fold of all lines of these logs if it was begun; nobody else gets it."""
    if not _begun or _begun[0][0] != names:
        return None
    return _begun.pop()[1]


def logs(arguments: Sequence[str]) -> list[str]:
    """Names of the logs that are sure to be folded whole; none if there is any doubt."""
    command, *words = arguments or [""]
    if command not in _COMMANDS:
        return []
    from perfectcv_traffic.fold.pool import WORTH_PROCESSES
    from perfectcv_traffic.settings import ENVIRONMENT_PREFIX

    names = [word for word in words if word not in _SHOWING]
    if any(name.startswith(ENVIRONMENT_PREFIX) for name in os.environ):
        return []
    if any(name.startswith("-") or not Path(name).is_file() for name in names):
        return []
    return names if sum(Path(name).stat().st_size for name in names) >= WORTH_PROCESSES else []
