"""Ctrl-C where other code than Python's runs: SQLite and compiled modules may swallow it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def noted() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed since; it raises `KeyboardInterrupt` besides, as ever.

    A program that was started to ignore it (in the background of a script) goes on to.
    """
    interrupted = threading.Event()

    def interrupt(*_: object) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupted.is_set
    finally:
        if signal.getsignal(signal.SIGINT) is interrupt:  # a follower has taken another one
            signal.signal(signal.SIGINT, before)


@contextmanager
def heard() -> Iterator[None]:
    """Work that Ctrl-C ends as ever, also where SQLite, in a function of ours, calls it an error.

    Not around an event loop: asyncio ends tasks by Ctrl-C only where nobody else handles it.
    """
    with noted() as is_interrupted:
        try:
            yield
        except Exception as error:
            if is_interrupted():
                raise KeyboardInterrupt from error
            raise
