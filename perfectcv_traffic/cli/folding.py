"""Who folds logs: this process, one for each core, or a cluster; and what comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from perfectcv_traffic.cli.options import option
from perfectcv_traffic.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from perfectcv_traffic.fold.files import FoundLog
    from perfectcv_traffic.fold.part import Part
    from perfectcv_traffic.fold.run import Progress, Run

Jobs = Annotated[
    int | None, option("--jobs", help="Processes that read LOG; else one on each core.", min=1)
]
Cluster = Annotated[
    str | None,
    option("--cluster", help="Dask scheduler whose workers read LOG: tcp://HOST:8786."),
]


@contextmanager
def executor(
    logs: Iterable[FoundLog], jobs: int | None, cluster: str | None
) -> Iterator[tuple[Executor, int]]:
    """An executor for logs, and how much it does at once."""
    if cluster is None:
        from perfectcv_traffic.fold import pool

        is_long = sum(log.size for log in logs) >= pool.WORTH_PROCESSES
        count = jobs or (pool.cores() if is_long else 1)
        with pool.workers(count) as local:
            yield local, count
        return
    if jobs is not None:
        raise UsageError(
            "--jobs and --cluster: the cluster has its own processes, give one of them"
        )
    from perfectcv_traffic.fold.cluster import workers

    with workers(cluster) as found:
        yield found


def folded(run: Run) -> tuple[Part, pd.DataFrame]:
    """What comes of logs, and the frame of their latest requests; a bar tells how far it is."""
    from perfectcv_traffic.cli.terminal import progress
    from perfectcv_traffic.fold.pool import WORTH_PROCESSES

    if run.size < WORTH_PROCESSES:  # done before anybody could read a bar
        return _folded(run, lambda _bytes: None)
    with progress("reading", total=run.size) as advance:
        return _folded(run, advance)


def _folded(run: Run, advance: Progress) -> tuple[Part, pd.DataFrame]:
    """The frame is made of what is there first: only here does this process have nothing to do."""
    from perfectcv_traffic.analysis import recent

    likely = run.latest()
    frame = recent.frame(likely) if likely else None
    part = run.result(advance)
    if frame is None or part.latest != likely:
        frame = recent.frame(part.latest)
    return part, frame
