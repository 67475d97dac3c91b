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
import weakref
from collections import deque
from typing import Protocol

import msgspec

from perfectcv_traffic.capture.exchange import Exchange
from perfectcv_traffic.capture.lines import encode_line
from perfectcv_traffic.capture.log_file import WARNING_INTERVAL, LogFile
from perfectcv_traffic.record import TrafficLog

DRAIN_TIMEOUT = 2.0
POLL_INTERVAL = 0.002
BATCH_BYTES = 262_144
HOLD_SECONDS = 1.0
"""How long a record waits for the end of its background tasks, to carry their exception."""

logger = logging.getLogger("perfectcv_traffic")


class Counters(msgspec.Struct):
    """What the recorder did in this process."""

    recorded: int = 0
    excluded: int = 0
    """Not wanted: an excluded path."""
    sampled_out: int = 0
    """Not wanted: left to chance by `sample_rate`."""
    dropped: int = 0
    """Lost: the queue was full."""
    unwritten: int = 0
    """Lost: the disk or directory refused them."""
    failed: int = 0
    """Lost: the record could not be made."""
    bodies_dropped: int = 0
    """Recorded without bodies: the queue held too many bytes."""
    missed_errors: int = 0
    """Recorded without the exception of a background task that ended too late."""
    faults: int = 0
    """Failures of the recorder while it watched a request."""

    @property
    def lost(self) -> int:
        """Requests that should be in the log and are not."""
        return self.dropped + self.unwritten + self.failed


class Limits(msgspec.Struct, frozen=True):
    """How much may wait for the writer, and for how long."""

    records: int
    bytes: int
    flush_interval: float


class Composes(Protocol):
    """Makes records; runs in the writer's thread."""

    def compose(self, exchange: Exchange) -> TrafficLog | None:
        """The record of an exchange; None if it is not wanted."""

    def close(self) -> None:
        """Let go of what belongs to the thread."""


class Follower(Protocol):
    """Does something with the log beside the writer; called in the writer's thread."""

    def tend(self) -> float | None:
        """Act after a write; to be called again after so many seconds, None: at the next write."""

    def forget(self) -> None:
        """Start anew in a forked child."""


class LogWriter:
    """A sink that appends one JSON line per exchange to a log file."""

    def __init__(
        self,
        file: LogFile,
        composer: Composes,
        limits: Limits,
        counters: Counters,
        follower: Follower | None = None,
    ) -> None:
        self.counters = counters
        self._file = file
        self._composer = composer
        self._limits = limits
        self._follower = follower
        self._reset()
        _in_forked_children(self)

    def _reset(self) -> None:
        self._queue: deque[Exchange] = deque()
        self._held: list[Exchange] = []
        self._waiting_bytes = 0
        self._wake = threading.Event()
        self._writing = False
        self._haste = threading.Event()
        """Somebody waits for the end: no gathering, no holding."""
        self._closing = False
        self._thread: threading.Thread | None = None
        self._start = threading.Lock()
        self._told_lost = 0
        self._reported = 0
        self._warned_at = -WARNING_INTERVAL

    def forget(self) -> None:
        """In a forked child: what waits is the parent's, and so are its counts."""
        for name in self.counters.__struct_fields__:
            setattr(self.counters, name, 0)
        self._file.close()
        if self._follower is not None:
            self._follower.forget()
        self._reset()

    def submit(self, exchange: Exchange) -> None:
        """Queue an exchange; when the queue is full drop bodies first, then the record."""
        if len(self._queue) >= self._limits.records:
            self.counters.dropped += 1
            return
        if self._waiting_bytes + exchange.size > self._limits.bytes:
            exchange.drop_bodies()
            self.counters.bodies_dropped += 1
        self._waiting_bytes += exchange.size
        self._queue.append(exchange)
        if not self._wake.is_set():
            self._wake.set()
        if self._thread is None:
            self._run_thread()

    def fault(self) -> None:
        """Count and report the exception being handled, not more than once a minute."""
        self.counters.faults += 1
        if self._may_warn():
            logger.exception("the recorder failed on a request, which was served all the same")

    def missed(self) -> None:
        """Count a background task's exception that came too late for its record."""
        self.counters.missed_errors += 1

    def flush(self, timeout: float = DRAIN_TIMEOUT) -> bool:
        """Wait until everything submitted is written; False if that took too long."""
        deadline = time.monotonic() + timeout
        self._haste.set()
        try:
            # In this order: the thread says that it writes before it takes.
            while self._queue or self._held or self._writing:
                if time.monotonic() > deadline:
                    return False
                self._wake.set()
                time.sleep(POLL_INTERVAL)
        finally:
            self._haste.clear()
        return True

    def close(self) -> None:
        """Write what waits and end the thread; a later `submit` starts a new one."""
        thread, self._closing = self._thread, True
        self._haste.set()
        if thread is not None and thread.is_alive():
            self._wake.set()
            thread.join(DRAIN_TIMEOUT)
        if not (thread and thread.is_alive()):
            self._write_queue()  # what came while the thread ended
        self._thread, self._closing = None, False
        self._haste.clear()
        atexit.unregister(self.flush)
        self._file.close()

    def _run_thread(self) -> None:
        with self._start:
            if self._thread is None:
                thread = threading.Thread(target=self._loop, name="perfectcv-traffic", daemon=True)
                atexit.unregister(self.flush)
                atexit.register(self.flush)
                self._thread = thread
                thread.start()

    def _loop(self) -> None:
        patience: float | None = None  # idle costs nothing: it waits until it is woken
        while not self._closing:
            if self._wake.wait(patience):
                self._haste.wait(self._limits.flush_interval)  # let a batch gather
            self._wake.clear()
            self._writing = True
            self._write_queue()
            self._writing = False
            patience = self._tend_follower()
        self._composer.close()

    def _tend_follower(self) -> float | None:
        patience = None
        if self._follower is not None and self.counters.recorded:
            patience = self._follower.tend()
        return min(HOLD_SECONDS, patience or HOLD_SECONDS) if self._held else patience

    def _write_queue(self) -> None:
        self._queue_ripe()
        while self._queue:
            batch = bytearray()
            told_lost, count = self._told_lost, 0
            while self._queue and len(batch) < BATCH_BYTES:
                count += self._append_line(batch, self._queue.popleft())
            if not batch or self._file.append(batch):
                self.counters.recorded += count
            else:
                self.counters.unwritten += count
                self._told_lost = told_lost
        self._waiting_bytes = 0  # other threads may have miscounted it a little
        if self.counters.dropped > self._reported and self._may_warn():
            self._reported = self.counters.dropped
            logger.warning("%d requests so far came too fast to be recorded", self._reported)

    def _queue_ripe(self) -> None:
        """Back into the queue: held exchanges whose tasks have ended, or that waited enough."""
        held, self._held = self._held, []
        self._queue.extendleft(reversed(held))

    def _must_wait(self, exchange: Exchange) -> bool:
        if exchange.returned or self._haste.is_set():
            return False
        return time.perf_counter() - (exchange.finished_at or 0.0) < HOLD_SECONDS

    def _append_line(self, batch: bytearray, exchange: Exchange) -> int:
        if self._must_wait(exchange):
            self._held.append(exchange)
            return 0
        self._waiting_bytes -= exchange.size
        exchange.taken = True
        start = len(batch)
        try:
            record = self._composer.compose(exchange)
            if record is None:
                return 0
            record.lost_before = self.counters.lost - self._told_lost
            encode_line(record, batch)
        except Exception:  # one record that cannot be made must not lose its batch
            del batch[start:]
            self.counters.failed += 1
            if self._may_warn():
                logger.exception("a request could not be recorded")
            return 0
        self._told_lost = self.counters.lost
        return 1

    def _may_warn(self) -> bool:
        if time.monotonic() - self._warned_at < WARNING_INTERVAL:
            return False
        self._warned_at = time.monotonic()
        return True


def _in_forked_children(writer: LogWriter) -> None:
    """A forked worker starts anew: neither threads nor locks nor queues survive a fork."""
    if not hasattr(os, "register_at_fork"):
        return
    reference = weakref.ref(writer)

    def forget() -> None:
        alive = reference()
        if alive is not None:
            alive.forget()

    os.register_at_fork(after_in_child=forget)
