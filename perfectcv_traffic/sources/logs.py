"""What logs hold, folded by this process, by one for each core, or by a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from perfectcv_traffic.analysis.latest import FIELDS, MOST
from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.sources import early
from perfectcv_traffic.sources.contents import Contents

if TYPE_CHECKING:
    import pandas as pd

    from perfectcv_traffic.fold.files import FoundLog
    from perfectcv_traffic.fold.part import Part
    from perfectcv_traffic.fold.run import Progress, Run
    from perfectcv_traffic.sources.source import Source


def from_logs(source: Source, *, hourly: bool) -> Contents:
    """What the logs hold; raises `StorageError` if one cannot be read."""
    from perfectcv_traffic.analysis.rows import of_summary
    from perfectcv_traffic.summary.overview import CLIENT_TOTALS

    with begun(source) as working:
        assert working.run is not None
        part, recent = _folded(working.run, source)
    lines = {
        "ingested": part.recorded,
        "rejected": part.rejected,
        "duplicates": part.duplicates,
    }
    damaged = ", ".join(part.damaged) or None
    rows = of_summary(part.folding, hourly=hourly)
    clients = len(rows[CLIENT_TOTALS.table.name])
    span = part.folding.span()
    return Contents(rows, recent, clients, lines=lines, damaged=damaged, span=span)


@contextmanager
def begun(source: Source) -> Iterator[Source]:
    """The source, its logs being folded already: that goes on while heavy libraries are loaded."""
    if not source.logs or source.run:
        yield source
        return
    from perfectcv_traffic.fold import pool
    from perfectcv_traffic.fold.files import found
    from perfectcv_traffic.fold.run import Run
    from perfectcv_traffic.fold.work import Task

    names = list(map(str, source.logs))
    selection = source.filters if source.filters.conditions() else None
    is_plain = not selection and source.jobs is None and source.cluster is None
    if is_plain and (run := early.taken(names)):
        with pool.naming_death():
            yield replace(source, run=run)
        return
    files = found(names)
    with _executor(files, source.jobs, source.cluster) as (own, workers):
        yield replace(source, run=Run(files, own, workers, Task(selection, FIELDS, MOST)))


@contextmanager
def _executor(
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


def _folded(run: Run, source: Source) -> tuple[Part, pd.DataFrame]:
    """What comes of logs, and the frame of their latest requests."""
    from perfectcv_traffic.fold.pool import WORTH_PROCESSES

    if run.size < WORTH_PROCESSES:  # done before anybody could read how far it is
        return _with_latest(run, lambda _bytes: None)
    with source.progress("reading", run.size) as advance:
        return _with_latest(run, advance)


def _with_latest(run: Run, advance: Progress) -> tuple[Part, pd.DataFrame]:
    """The frame is made of what is there first: only here does this process have nothing to do."""
    from perfectcv_traffic.analysis import recent

    likely = run.latest()
    frame = recent.frame(likely) if likely else None
    part = run.result(advance)
    if frame is None or part.latest != likely:
        frame = recent.frame(part.latest)
    return part, frame
