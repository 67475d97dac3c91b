"""Executors on this machine: this process alone, or a process for each core."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.fold import work

_P = ParamSpec("_P")
_T = TypeVar("_T")

WORTH_PROCESSES = 33_554_432
"""Bytes of logs from which on several processes save time."""

_THREADS = Path("/proc/self/task")


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class SameProcess(Executor):
    """Does everything at once, when it is submitted."""

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """The future of what was done already."""
        future: Future[_T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # it belongs to whoever asks for the result
            future.set_exception(error)
        return future


@contextmanager
def workers(jobs: int) -> Iterator[Executor]:
    """An executor with so many processes, which end with the context, whatever happens in it.

    Begin before threads are started: then the processes are forks, which is faster.
    """
    if jobs <= 1:
        yield SameProcess()
        return
    context = _context()
    stop: Any = context.Event()
    executor = ProcessPoolExecutor(jobs, context, _begin, (stop.is_set,))
    try:
        executor.submit(_nothing)  # starts the processes
        with naming_death():
            yield executor
    finally:
        stop.set()  # what nobody waits for any more
        executor.shutdown(cancel_futures=True)


@contextmanager
def naming_death() -> Iterator[None]:
    """Raise `StorageError` when a worker died."""
    try:
        yield
    except BrokenProcessPool as error:
        raise StorageError(
            "a worker process was killed, perhaps for want of memory: try a smaller --jobs"
        ) from error


def _context() -> BaseContext:
    """Forks share what is loaded, but copy only the one thread that forks."""
    is_alone = threading.active_count() == 1
    is_alone = is_alone and _THREADS.is_dir() and len(list(_THREADS.iterdir())) == 1
    can_fork = sys.platform == "linux" and is_alone
    return multiprocessing.get_context("fork" if can_fork else "spawn")


def _nothing() -> None:
    """Work that is none."""


def _begin(is_stopping: Callable[[], bool]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that hands out work
    work.is_stopping = is_stopping
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A pool's process waits for work for ever, also when nobody is left to give it any."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
