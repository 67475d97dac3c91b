"""The log writer: a bounded queue, and one thread that appends whole lines.

The event loop only appends to a deque. The thread composes, encodes and writes in batches; it
starts with the first record, once per process, so that nothing crosses a fork. SQLite has no place
here: another process ingests the log.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import anyio.to_thread
import msgspec

from perfectcv_traffic.capture.exchange import Exchange
from perfectcv_traffic.record import TrafficLog

DRAIN_TIMEOUT = 2.0
POLL_INTERVAL = 0.002
WARNING_INTERVAL = 60.0
BATCH_BYTES = 262_144
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)

logger = logging.getLogger("perfectcv_traffic")

Compose = Callable[[Exchange], TrafficLog]


class Counters(msgspec.Struct):
    """What the writer did; `dropped` and `failed` records are in no log."""

    recorded: int = 0
    dropped: int = 0
    bodies_dropped: int = 0
    failed: int = 0


class LogWriter:
    """A sink that appends one JSON line per exchange to a log file."""

    def __init__(
        self,
        path: Path,
        compose: Compose,
        *,
        queue_records: int,
        queue_bytes: int,
        flush_interval: float,
    ) -> None:
        self.counters = Counters()
        self._file = LogFile(path)
        self._compose = compose
        self._queue_records = queue_records
        self._queue_bytes = queue_bytes
        self._flush_interval = flush_interval
        self._encode = msgspec.json.Encoder().encode_into
        self._reset()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._queue: deque[Exchange] = deque()
        self._waiting_bytes = 0
        self._wake = threading.Event()
        self._writing = False
        self._closing = False
        self._thread: threading.Thread | None = None
        self._start = threading.Lock()

    def submit(self, exchange: Exchange) -> None:
        """Queue an exchange; when the queue is full drop bodies first, then the record."""
        if len(self._queue) >= self._queue_records:
            self.counters.dropped += 1
            return
        if self._waiting_bytes + exchange.size > self._queue_bytes:
            exchange.drop_bodies()
            self.counters.bodies_dropped += 1
        self._waiting_bytes += exchange.size
        self._queue.append(exchange)
        if not self._wake.is_set():
            self._wake.set()
        if self._thread is None:
            self._run_thread()

    def flush(self, timeout: float = DRAIN_TIMEOUT) -> bool:
        """Wait until everything submitted is written; False if that took too long."""
        deadline = time.monotonic() + timeout
        while self._queue or self._writing:  # in this order: the thread says so before it takes
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_INTERVAL)
        return True

    async def drain(self) -> None:
        """`flush` without holding up the event loop."""
        await anyio.to_thread.run_sync(self.flush)

    def close(self) -> None:
        """Write what waits and end the thread; a later `submit` starts a new one."""
        thread, self._closing = self._thread, True
        if thread is not None and thread.is_alive():
            self._wake.set()
            thread.join(DRAIN_TIMEOUT)
        self._thread, self._closing = None, False
        self._file.close()

    def _run_thread(self) -> None:
        with self._start:
            if self._thread is None:
                thread = threading.Thread(target=self._loop, name="perfectcv-traffic", daemon=True)
                atexit.register(self.flush)
                self._thread = thread
                thread.start()

    def _loop(self) -> None:
        while not self._closing:
            self._wake.wait()
            if not self._closing:
                time.sleep(self._flush_interval)  # let a batch gather
            self._wake.clear()
            self._writing = True
            self._write_queue()
            self._writing = False

    def _write_queue(self) -> None:
        while self._queue:
            batch = bytearray()
            count = 0
            while self._queue and len(batch) < BATCH_BYTES:
                count += self._append_line(batch, self._queue.popleft())
            written = self._file.append(bytes(batch)) if batch else False
            if written:
                self.counters.recorded += count
            else:
                self.counters.dropped += count

    def _append_line(self, batch: bytearray, exchange: Exchange) -> int:
        self._waiting_bytes -= exchange.size
        start = len(batch)
        try:
            self._encode(self._compose(exchange), batch, -1)
        except Exception:  # one record that cannot be made must not lose its batch
            del batch[start:]
            self.counters.failed += 1
            logger.exception("a request could not be recorded")
            return 0
        batch += b"\n"
        return 1


class LogFile:
    """The log on disk: opened at the first append, again after rotation."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._identity: tuple[int, int] | None = None
        self._warned_at = -WARNING_INTERVAL

    def append(self, lines: bytes) -> bool:
        """Append whole lines with one write; False if the disk or directory refused."""
        try:
            descriptor = self._open()
            written = os.write(descriptor, lines)
            while written < len(lines):  # a full disk may take a part
                written += os.write(descriptor, lines[written:])
        except OSError as error:
            self._warn(error)
            self.close()
            return False
        return True

    def close(self) -> None:
        """Close the file; the next append opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        if self._descriptor is not None and not self._is_current():
            self.close()
        if self._descriptor is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, _FLAGS, 0o600)
            status = os.fstat(self._descriptor)
            self._identity = (status.st_dev, status.st_ino)
            self._end_torn_line(status.st_size)
        return self._descriptor

    def _is_current(self) -> bool:
        try:
            status = self._path.stat()
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._identity

    def _end_torn_line(self, size: int) -> None:
        """A writer killed in mid-line left half a record: the next one starts on its own line."""
        if size == 0 or self._descriptor is None:
            return
        with self._path.open("rb") as log:
            log.seek(-1, os.SEEK_END)
            torn = log.read(1) != b"\n"
        if torn:
            os.write(self._descriptor, b"\n")

    def _warn(self, error: OSError) -> None:
        if time.monotonic() - self._warned_at >= WARNING_INTERVAL:
            self._warned_at = time.monotonic()
            logger.warning("traffic is not recorded: %s: %s", self._path, error.strerror)
