"""The ingester beside the API: one child process per log that fills the database.

SQLite stays out of the API's process. Of several workers on one log the one that holds a lock
keeps the child; the child ends when its standard input does, so it never outlives that worker.
"""

from __future__ import annotations

import logging
import os
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

from perfectcv_traffic import module_command
from perfectcv_traffic.capture import child
from perfectcv_traffic.capture.process_lock import ProcessLock
from perfectcv_traffic.capture.seldom import Seldom
from perfectcv_traffic.errors import ExitCode
from perfectcv_traffic.record import TrafficLog

START_DELAY = 1.0
"""Seconds between the first record and the child: a process that ends sooner needs none."""
CHECK_INTERVAL = 1.0
RETRY_INTERVAL = 60.0
STOP_SECONDS = 5.0
POLL_SECONDS = 1.0
"""A transaction costs much whatever its size; who is in haste has `prompt`."""
NICENESS = 10
"""The log is complete without it: it may fall behind for as long as the API is busy."""

logger = logging.getLogger("perfectcv_traffic")


class Ingester:
    """Keeps the child process running while there are records.

    Used from the writer's thread; `prompt` from any.
    """

    def __init__(self, log: Path, db: Path, model: type[TrafficLog] = TrafficLog) -> None:
        self._command = module_command.python(
            "perfectcv_traffic", "ingest", "--follow", "--until-stdin-closes",
            "--poll", POLL_SECONDS, log, "--db", db, *model_option(model),
        )  # fmt: skip
        self._lock = ProcessLock(_lock_path(log))
        self._process: subprocess.Popen[bytes] | None = None
        self._input = threading.Lock()
        """Held while the child's input is written to, so that it is not closed meanwhile."""
        self._next_check: float | None = None
        self._warning = Seldom(RETRY_INTERVAL)

    @property
    def pid(self) -> int | None:
        """The child's process id; None while this process has none."""
        return self._process.pid if self._process else None

    def tend(self) -> float | None:
        """Start or restart the child if it is time; seconds until that is, None at the next write.

        Never raises: without a child the log is complete all the same.
        """
        now = time.monotonic()
        if self._next_check is None:
            self._next_check = now + START_DELAY
        if now < self._next_check:
            return None if self._process else self._next_check - now
        self._next_check = now + CHECK_INTERVAL
        try:
            return self._tend(now)
        except OSError as error:
            return self._failed(now, str(error))

    def _tend(self, now: float) -> float | None:
        if self._process is None:
            child.require_python()
            if self._lock.acquire():  # else another worker keeps the child
                self._process = child.start(self._command)
                child.give_way(self._process, niceness=NICENESS)
            return None
        code = self._process.poll()
        if code is None:
            return None
        self.stop()
        if code == ExitCode.LOCKED:  # a sidecar ingests: it may end one day
            self._next_check = now + RETRY_INTERVAL
            return None
        return self._failed(now, f"it ended with exit code {code}")

    def _failed(self, now: float, reason: str) -> float:
        self._next_check = now + RETRY_INTERVAL
        if self._warning.is_due():
            logger.warning(
                "the ingester is not running (%s); the log is complete: run %r",
                reason, "perfectcv-traffic ingest",
            )  # fmt: skip
        return RETRY_INTERVAL

    def prompt(self) -> None:
        """Let the child look at the log now instead of at its next poll, if there is a child."""
        with self._input:
            if self._process is not None and self._process.stdin is not None:
                with suppress(OSError):  # it ended just now, or has not read what it was sent
                    os.write(self._process.stdin.fileno(), b"\n")

    def stop(self) -> None:
        """Let the child store what the log holds and end, for a bounded time."""
        with self._input:
            process, self._process = self._process, None
        if process is not None:
            child.end(process, patience=STOP_SECONDS)
        self._lock.release()
        self._next_check = None

    def forget(self) -> None:
        """In a forked child: the process, its input and the lock are the parent's."""
        process, self._process = self._process, None
        self._input = threading.Lock()  # of the other, a thread that is not here may hold it
        if process is not None and process.stdin:
            process.stdin.close()
            process.returncode = 0  # not ours to wait for
        self._lock.release()
        self._next_check = None


def _lock_path(log: Path) -> Path:
    return log.with_name(f"{log.name}.ingester")


def is_kept(log: Path) -> bool:
    """Whether an API that runs keeps an ingester for its log."""
    path = _lock_path(log)
    lock = ProcessLock(path)
    try:  # looking must not leave a file beside the log of another
        is_free = not path.exists() or lock.acquire()
    except OSError:
        return False
    lock.release()
    return not is_free


def model_option(model: type[TrafficLog]) -> tuple[str, ...]:
    """How `ingest` is told of an application's own model; nothing if it has none."""
    own = model is not TrafficLog
    return ("--model", f"{model.__module__}:{model.__qualname__}") if own else ()
