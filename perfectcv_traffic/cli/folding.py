"""Who folds logs: this process, one for each core, or a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from perfectcv_traffic.cli.options import option
from perfectcv_traffic.errors import UsageError

if TYPE_CHECKING:
    from perfectcv_traffic.fold.files import FoundLog

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
