"""A lock between processes that ends with its holder, however that ends."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LOOK_AGAIN_SECONDS = 0.001


class ProcessLock:
    """An advisory lock on a file of its own.

    Unlike a ready-made one it can be let go in a forked child without unlocking its parent's.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock if it is free; whether it is held now. Raises OSError."""
        if self._descriptor is None:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            if not _try_lock(descriptor):
                os.close(descriptor)
                return False
            self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Let go: closing the file unlocks it, unless a forked parent has it open still."""
        if self._descriptor is not None:
            _unlock(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    @contextmanager
    def held(self, seconds: float) -> Iterator[None]:
        """Hold the lock meanwhile, once it is free; raises OSError if that takes longer."""
        deadline = time.monotonic() + seconds
        while not self.acquire():
            if time.monotonic() >= deadline:
                raise OSError(errno.EAGAIN, f"another process has held {self._path} for too long")
            time.sleep(_LOOK_AGAIN_SECONDS)
        try:
            yield
        finally:
            self.release()


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _unlock(descriptor: int) -> None:
    """At once: Windows would do it some time after the file is closed."""
    if sys.platform == "win32":
        import msvcrt

        with suppress(OSError):
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
