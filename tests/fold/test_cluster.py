"""A real Dask cluster on this machine: the result of a local fold, whatever becomes of workers."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from perfectcv_traffic.errors import StorageError, TargetError, UsageError
from perfectcv_traffic.fold import cluster, run, splits
from perfectcv_traffic.fold.files import FoundLog, found
from perfectcv_traffic.fold.run import Run
from perfectcv_traffic.fold.work import Task
from perfectcv_traffic.record import TrafficLog

from .conftest import Expected, assert_is

if not os.environ.get("CI"):
    pytest.importorskip("distributed", reason="pip install 'perfectcv-traffic[cluster]'")

SECONDS = 120
ROOT = Path(__file__).parents[2]
LATEST = Task(fields=("request_id", "path"), most=25)


@contextmanager
def dask(words: list[str], log: Path) -> Iterator[None]:
    """A process of Dask, killed at the end."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *words],
            stdout=output,
            stderr=output,
            env=os.environ | {"PYTHONPATH": str(ROOT)},  # workers import the selection below
        )
        try:
            yield
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler."""
    folder = tmp_path_factory.mktemp("scheduler")
    file = folder / "scheduler.json"
    words = ["-m", "distributed.cli.dask_scheduler", "--host=127.0.0.1", "--port=0"]
    words += ["--dashboard-address=127.0.0.1:0", f"--scheduler-file={file}"]
    with dask(words, folder / "log"):
        until = time.monotonic() + SECONDS
        while not file.exists() or not (text := file.read_text()):
            assert time.monotonic() < until, (folder / "log").read_text()
            time.sleep(0.05)
        yield str(importlib.import_module("json").loads(text)["address"])


WITHOUT_PACKAGE = (
    "import sys; sys.modules['perfectcv_traffic'] = None;"
    " from distributed.cli.dask_worker import main; main()"
)
"""A worker where the package is not installed."""


@contextmanager
def dask_workers(
    scheduler: str,
    folder: Path,
    count: int,
    program: Sequence[str] = ("-m", "distributed.cli.dask_worker"),
) -> Iterator[None]:
    """So many workers of a scheduler, ready."""
    distributed: Any = importlib.import_module("distributed")
    words = [*program, scheduler, "--nthreads=1", "--no-nanny"]
    words += ["--no-dashboard", f"--local-directory={folder}"]
    with ExitStack() as stack:
        for number in range(count):
            stack.enter_context(dask(words, folder / f"worker{number}.txt"))
        with distributed.Client(scheduler, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=SECONDS)
        yield


class KillsItsWorker(NamedTuple):
    """A selection of every record; whose worker is the first to come to one of them is killed."""

    path: str
    marker: str

    def test(self) -> Callable[[TrafficLog], bool]:
        """Whether a record is wanted: yes."""
        return self._kill_once

    def _kill_once(self, record: TrafficLog) -> bool:
        if record.path == self.path:
            try:
                Path(self.marker).touch(exist_ok=False)
            except FileExistsError:
                return True
            os.kill(os.getpid(), signal.SIGKILL)
        return True


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot kill itself so")
def test_cluster_folds_what_this_process_would_also_when_a_worker_is_killed(
    scheduler: str,
    logs: tuple[list[str], Expected],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(splits, "LEAST", 4000)
    monkeypatch.setattr(splits, "MOST", 9000)
    monkeypatch.setattr(run, "_HERE", 3)
    names, expected = logs
    killing = KillsItsWorker("/users/7", str(tmp_path / "killed"))
    with dask_workers(scheduler, tmp_path, 2), cluster.workers(scheduler) as (executor, threads):
        assert threads == 2
        for task, count in (
            (LATEST, 19),
            (LATEST._replace(selection=killing), 19),
            (LATEST, 20),  # the last of them repeats another
        ):
            part = Run(found(names[:count]), executor, threads, task).result()
            whole = Expected(expected.logs[:count])
            assert_is(part, whole)
            assert [request_id for request_id, _ in part.latest] == whole.ids[-25:]
    assert Path(killing.marker).exists()


def test_worker_with_another_version_is_named(
    scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dask_workers(scheduler, tmp_path, 1):
        monkeypatch.setattr(cluster, "version", lambda _name: "0.0.1")
        with (
            pytest.raises(UsageError, match=r"worker tcp://.* has perfectcv-traffic .*0\.0\.1"),
            cluster.workers(scheduler),
        ):
            pass


def test_cluster_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 1)
    with (
        pytest.raises(TargetError, match=r"cluster .* does not answer"),
        cluster.workers("tcp://127.0.0.1:9"),
    ):
        pass


def test_address_that_is_none_says_how_to_write_one() -> None:
    with (
        pytest.raises(UsageError, match=r"--cluster nonsense: write it as tcp://HOST:8786"),
        cluster.workers("nonsense"),
    ):
        pass


def test_cluster_without_workers_says_so(scheduler: str) -> None:
    with pytest.raises(TargetError, match="has no workers"), cluster.workers(scheduler):
        pass


def test_worker_without_the_package_says_what_to_install(scheduler: str, tmp_path: Path) -> None:
    with (
        dask_workers(scheduler, tmp_path, 1, ["-c", WITHOUT_PACKAGE]),
        pytest.raises(UsageError, match=r"install perfectcv-traffic==\S+ on every worker"),
        cluster.workers(scheduler),
    ):
        pass


def test_log_that_only_this_machine_has_is_named(scheduler: str, tmp_path: Path) -> None:
    logs = [FoundLog(str(tmp_path / "absent.log"), 1000)]
    with (
        dask_workers(scheduler, tmp_path, 1),
        cluster.workers(scheduler) as (executor, threads),
        pytest.raises(StorageError, match=r"absent\.log .*by a worker of the cluster"),
    ):
        Run(logs, executor, threads).result()
