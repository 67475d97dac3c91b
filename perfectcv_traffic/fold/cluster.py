"""An executor whose work is done by a Dask cluster; the engine sees to workers that die."""

from __future__ import annotations

import importlib
import platform
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, ParamSpec, TypeVar

from perfectcv_traffic.errors import StorageError, TargetError, TrafficError, UsageError
from perfectcv_traffic.fold.run import ChainingExecutor

_P = ParamSpec("_P")
_T = TypeVar("_T")

_ADDRESS = re.compile(r"(tcp|tls|ws|wss|ucx|ucxx)://[^/]+:\d+/?")
_CONNECT_SECONDS = 10
_COMPARED = ("perfectcv-traffic", "msgspec", "numpy")


class ClusterFuture(Future[_T]):
    """A result that stays with the cluster until it is asked for."""

    def __init__(self, remote: Any) -> None:
        super().__init__()
        self.remote = remote

    def result(self, timeout: float | None = None) -> _T:
        """The result; raises what the work raised, `StorageError` when its workers died."""
        distributed: Any = importlib.import_module("distributed")
        try:
            found: _T = self.remote.result(timeout)
        except distributed.KilledWorker as error:
            raise StorageError(
                f"workers of the cluster die of one piece of the logs: {error}; "
                "see their logs, and whether they have memory enough"
            ) from error
        except TrafficError as error:
            raise type(error)(
                f"{error} (by a worker of the cluster: it must be able to read what you can)"
            ) from error
        return found

    def add_done_callback(self, fn: Callable[[Future[_T]], object]) -> None:
        """Call a function once it is done."""
        self.remote.add_done_callback(lambda _: fn(self))


class ClusterExecutor(ChainingExecutor):
    """Hands out work to a cluster."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Have it done; futures of this executor among the arguments stand for their results."""
        given = [one.remote if isinstance(one, ClusterFuture) else one for one in args]
        # Not pure: two runs must not share what a file was before it grew.
        return ClusterFuture(self._client.submit(fn, *given, **kwargs, pure=False))


@contextmanager
def workers(scheduler: str) -> Iterator[tuple[ClusterExecutor, int]]:
    """An executor on a cluster, and how many threads it has.

    Raises `TargetError` if the scheduler does not answer, `UsageError` for another version there.
    """
    client = _client(scheduler)
    try:
        _require_same_versions(client, scheduler)
        threads = sum(client.nthreads().values())
        yield ClusterExecutor(client), threads
    finally:
        client.close()


def _client(scheduler: str) -> Any:
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError as error:
        raise UsageError("--cluster needs pip install 'perfectcv-traffic[cluster]'") from error
    if _ADDRESS.fullmatch(scheduler) is None:
        raise UsageError(f"--cluster {scheduler}: write it as tcp://HOST:8786")
    try:
        return distributed.Client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise TargetError(
            f"cluster {scheduler} does not answer: {error}; is dask scheduler running there?"
        ) from error


def _require_same_versions(client: Any, scheduler: str) -> None:
    own = versions()
    try:
        found: Mapping[str, Mapping[str, str]] = client.run(versions)
    except Exception as error:  # engines hand on what workers raise in several ways
        why = " ".join(str(error).split())
        if "No module named" not in why:
            raise TargetError(f"cluster {scheduler}: its workers do not answer: {why}") from error
        raise UsageError(
            f"cluster {scheduler}: a worker lacks a package ({why}): install"
            f" perfectcv-traffic=={own['perfectcv-traffic']} on every worker"
        ) from error
    if not found:
        raise TargetError(f"cluster {scheduler} has no workers: start some with dask worker")
    for worker, theirs in found.items():
        for name, wanted in own.items():
            if theirs.get(name) != wanted:
                raise UsageError(
                    f"cluster {scheduler}: worker {worker} has {name} {theirs.get(name)}, here it"
                    f" is {wanted}: install the same on both sides"
                )


def versions() -> dict[str, str]:
    """What must be the same for a result to be the same."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python} | {name: version(name) for name in _COMPARED}
