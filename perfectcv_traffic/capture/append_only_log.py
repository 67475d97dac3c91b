"""The log on disk: opened at the first append, again after rotation, never in the way."""

from __future__ import annotations

import logging
import os
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from io import RawIOBase
from pathlib import Path

from perfectcv_traffic.capture.process_lock import ProcessLock
from perfectcv_traffic.capture.seldom import Seldom

TURN_SECONDS = 5.0
"""How long another process may write before it is taken to be stuck."""

OVERLAPS = sys.platform == "win32"
"""Whether the system seeks and then writes for O_APPEND: lines of others may be overwritten."""

SETTLE_SECONDS = 0.02
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
_FLAGS |= getattr(os, "O_BINARY", 0)

logger = logging.getLogger("perfectcv_traffic")


class AppendOnlyLog:
    """An append-only file that several processes may write, a batch of whole lines at a time."""

    def __init__(
        self, path: Path, *, in_turns: bool = OVERLAPS, turn_seconds: float = TURN_SECONDS
    ) -> None:
        """`in_turns`: one process after the other writes, for at most so many seconds."""
        self.path = path
        self._lock = ProcessLock(path.with_name(f"{path.name}.writing")) if in_turns else None
        self._turn_seconds = turn_seconds
        self._descriptor: int | None = None
        self._identity: tuple[int, int] | None = None
        self._warning = Seldom()

    def append(self, lines: bytes | bytearray) -> int:
        """Append whole lines with one write; how many bytes of them the disk took.

        What it took in part stays: others may have written behind it. The next append ends it.
        """
        written = 0
        try:
            with self._turn():
                descriptor = self._open()
                while written < len(lines):  # a full disk may take a part
                    written += os.write(descriptor, lines[written:] if written else lines)
        except OSError as error:
            self._warn(error)
            self.close()
        return written

    def close(self) -> None:
        """Close the file; the next append opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _turn(self) -> AbstractContextManager[None]:
        if self._lock is None:
            return nullcontext()
        self._make_directory()
        return self._lock.held(self._turn_seconds)

    def _make_directory(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _open(self) -> int:
        if self._descriptor is not None and not self._is_current():
            self.close()
        if self._descriptor is None:
            self._make_directory()
            self._descriptor = os.open(self.path, _FLAGS, 0o600)
            status = os.fstat(self._descriptor)
            self._identity = (status.st_dev, status.st_ino)
            if status.st_size:
                self._end_torn_line(self._descriptor)
        return self._descriptor

    def _is_current(self) -> bool:
        try:
            status = self.path.stat()
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._identity

    def _end_torn_line(self, descriptor: int) -> None:
        """A writer killed in mid-line left half a record: the next one starts on its own line."""
        with self.path.open("rb", buffering=0) as log:
            size = _torn_size(log)
            while size:
                time.sleep(SETTLE_SECONDS)  # another worker's write may be under way
                before, size = size, _torn_size(log)
                if size == before:
                    os.write(descriptor, b"\n")
                    return

    def _warn(self, error: OSError) -> None:
        if self._warning.is_due():
            logger.warning("traffic is not recorded: %s: %s", self.path, error.strerror)


def _torn_size(log: RawIOBase) -> int:
    """The size of a log whose last line has no end; 0 if it has one."""
    size = log.seek(0, os.SEEK_END)
    if size == 0:
        return 0
    log.seek(size - 1)
    return 0 if log.read(1) == b"\n" else size
