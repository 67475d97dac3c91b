"""What is done before the command line is understood, because it would be too late then.

Everything that holds for a whole process is set up. What takes long is begun: workers work while
the command line is loaded. `ingest` of a long log gets the process that prepares it. A fold of logs
is begun where there is no doubt: the logs are files, long enough, and no option and no variable
chooses among their lines or says who reads them. Anything else begins once all of it is understood.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from perfectcv_traffic.errors import TrafficError

SERVING = "demo"
"""The command that serves an application, perhaps somebody's: it finds Python as it is."""

FOLDING = frozenset({"analyze", "report"})
SHOWING = frozenset({"--no-charts", "--json", "--csv", "--markdown"})
"""Their options that say how answers are shown."""

INGESTING = "ingest"
ALONE = ("--explain", "--follow", "--group", "--help", "--model", "--openapi", "--summary-only")
"""Its options that have it done by one process, or nothing stored at all."""


def set_up(arguments: Sequence[str]) -> None:
    """Have Python and its libraries as suits a command that ends soon."""
    if arguments[:1] == [SERVING]:
        return
    from perfectcv_traffic.garbage import collect_seldom

    collect_seldom()
    # No linear algebra here; and only a process of one thread can be forked to read logs.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from perfectcv_traffic.store import library

    library.set_up_sqlite()
    library.keep_memory()


@contextmanager
def begun(arguments: Sequence[str]) -> Iterator[None]:
    """Begin with what the arguments are sure to ask for; what is left of it ends with this."""
    if log := ingested(arguments):
        from perfectcv_traffic.store import preparer_process

        preparer_process.start_early(log)
    with ExitStack() as stack:
        if names := logs(arguments):
            from perfectcv_traffic.sources import early

            # Whatever is in the way is told when it is in the way again.
            with suppress(TrafficError, OSError):
                early.begin(names, stack)
        yield


def ingested(arguments: Sequence[str]) -> Path | None:
    """The log that a second process may prepare, if it is named first; None if none may."""
    if len(arguments) < 2 or arguments[0] != INGESTING:  # noqa: PLR2004 - a command and a name
        return None
    if any(word.startswith(ALONE) for word in arguments):
        return None
    log = Path(arguments[1])
    return log if log.is_file() else None


def logs(arguments: Sequence[str]) -> list[str]:
    """Names of the logs that are sure to be folded whole; none if there is any doubt."""
    command, *words = arguments or [""]
    if command not in FOLDING:
        return []
    from perfectcv_traffic.fold.pool import WORTH_PROCESSES
    from perfectcv_traffic.settings import ENVIRONMENT_PREFIX

    names = [word for word in words if word not in SHOWING]
    if any(name.startswith(ENVIRONMENT_PREFIX) for name in os.environ):
        return []
    if any(name.startswith("-") or not Path(name).is_file() for name in names):
        return []
    return names if sum(Path(name).stat().st_size for name in names) >= WORTH_PROCESSES else []
