"""The log writer: a bounded queue, and one thread that empties it.

The event loop only appends to a deque. The thread hands batches on to be recorded; it starts with
the first record, once per process, so that nothing crosses a fork. SQLite has no place here:
another process ingests the log.
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
from perfectcv_traffic.capture.gathering import gather
from perfectcv_traffic.capture.outcome import Counters, Outcome
from perfectcv_traffic.capture.seldom import Seldom

DRAIN_TIMEOUT = 2.0
POLL_INTERVAL = 0.002
BATCH_BYTES = 131_072
HOLD_SECONDS = 1.0
"""How long a record waits for the end of its background tasks, to carry their exception."""

logger = logging.getLogger("perfectcv_traffic")


class QueueLimits(msgspec.Struct, frozen=True):
    """How much may wait for the writer, and for how long."""

    records: int
    bytes: int
    flush_interval: float


class Records(Protocol):
    """Records batches of exchanges; used in the writer's thread."""

    def write(self, batch: list[Exchange], untold: int) -> Outcome:
        """Record a batch; `untold` requests were lost before it and are in no line yet."""

    def close(self) -> None:
        """Let go of what belongs to the thread, and of the file."""

    def forget(self) -> None:
        """Start anew in a forked child."""


class Follower(Protocol):
    """Does something with the log beside the writer; called in the writer's thread."""

    def tend(self) -> float | None:
        """Act after a write; to be called again after so many seconds, None: at the next write."""

    def forget(self) -> None:
        """Start anew in a forked child."""


class LogWriter:
    """A sink that has exchanges recorded, a batch at a time."""

    def __init__(
        self,
        recording: Records,
        limits: QueueLimits,
        counters: Counters,
        follower: Follower | None = None,
    ) -> None:
        self.counters = counters
        self._recording = recording
        self._limits = limits
        self._follower = follower
        self._reset()
        _in_forked_children(self)

    def _reset(self) -> None:
        self._queue: deque[Exchange] = deque()
        self._held: dict[int, Exchange] = {}
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
        self._warning = Seldom()

    def forget(self) -> None:
        """In a forked child: what waits is the parent's, and so are its counts."""
        self.counters.reset()
        self._recording.forget()
        if self._follower is not None:
            self._follower.forget()
        self._reset()

    def hold(self, exchange: Exchange) -> None:
        """Take an exchange whose application is not done; a second later it counts as over."""
        if self._admits(exchange):
            self._held[id(exchange)] = exchange
        self._wake_thread()

    def release(self, exchange: Exchange) -> None:
        """Queue a held exchange, unless it took too long and is in the queue, or further, already.

        Then its error, if it has one, came too late.
        """
        if self._held.pop(id(exchange), None) is not None:
            self._queue.append(exchange)
            self._wake_thread()
        elif exchange.error is not None:
            self.counters.missed_errors += 1

    def submit(self, exchange: Exchange) -> None:
        """Queue an exchange that is over."""
        if self._admits(exchange):
            self._queue.append(exchange)
        self._wake_thread()

    def _admits(self, exchange: Exchange) -> bool:
        """Whether there is room for it; when there is little drop bodies first, then the record."""
        if len(self._queue) + len(self._held) >= self._limits.records:
            self.counters.dropped += 1
            return False
        if self._waiting_bytes + exchange.size > self._limits.bytes:
            exchange.drop_bodies()
            self.counters.bodies_dropped += 1
        self._waiting_bytes += exchange.size
        return True

    def _wake_thread(self) -> None:
        if not self._wake.is_set():
            self._wake.set()
        if self._thread is None:
            self._run_thread()

    def fault(self) -> None:
        """Count and report the exception being handled, not more than once a minute."""
        self.counters.faults += 1
        if self._warning.is_due():
            logger.exception("the recorder failed on a request, which was served all the same")

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
        self._recording.close()

    def _run_thread(self) -> None:
        with self._start:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="perfectcv-traffic", daemon=True)
                atexit.unregister(self.flush)
                atexit.register(self.flush)
                self._thread = thread  # before it runs: it may end, and say so, at once
                try:
                    thread.start()
                except BaseException:  # then the next request tries again
                    self._thread = None
                    raise

    def _run(self) -> None:
        try:
            self._loop()
        except BaseException:
            self.fault()
        finally:
            if not self._closing:  # whatever ended it, the next request starts another
                self._thread = None
            self._writing = False

    def _loop(self) -> None:
        patience: float | None = None  # idle costs nothing: it waits until it is woken
        while not self._closing:
            if self._wake.wait(patience):
                gather(self._limits.flush_interval, self._haste.wait)
            self._wake.clear()
            self._writing = True
            self._write_queue()
            self._writing = False
            patience = self._tend_follower()
        self._recording.close()

    def _tend_follower(self) -> float | None:
        patience = None
        if self._follower is not None and self.counters.recorded:
            try:
                patience = self._follower.tend()
            except Exception:  # the thread must not end for that
                self.fault()
        return min(HOLD_SECONDS, patience or HOLD_SECONDS) if self._held else patience

    def _write_queue(self) -> None:
        self._queue_ripe()
        while self._queue:
            self._write_batch(self._take_batch())
        # Other threads may have miscounted it a little.
        self._waiting_bytes = sum(exchange.size for exchange in list(self._held.values()))
        if self.counters.dropped > self._reported and self._warning.is_due():
            self._reported = self.counters.dropped
            logger.warning("%d requests so far came too fast to be recorded", self._reported)

    def _queue_ripe(self) -> None:
        """Queue held exchanges whose application takes too long, or all if somebody waits."""
        now, in_haste = time.perf_counter(), self._haste.is_set()
        for key, exchange in list(self._held.items()):
            waited = now - (exchange.finished_at or 0.0)
            # Whoever takes it out of there queues it: the event loop may be at it too.
            if (in_haste or waited >= HOLD_SECONDS) and self._held.pop(key, None) is not None:
                self._queue.append(exchange)

    def _take_batch(self) -> list[Exchange]:
        batch: list[Exchange] = []
        size = 0
        while self._queue and size < BATCH_BYTES:
            exchange = self._queue.popleft()
            size += exchange.size
            batch.append(exchange)
        self._waiting_bytes -= size
        return batch

    def _write_batch(self, batch: list[Exchange]) -> None:
        untold = self.counters.lost - self._told_lost
        outcome = Outcome(untold=untold + len(batch), failed=len(batch))
        try:
            outcome = self._recording.write(batch, untold)
        except KeyboardInterrupt:  # of who closes
            raise
        except BaseException:  # the thread must not end for that, whatever it is
            self.fault()
        finally:
            self.counters.add(outcome)
            self._told_lost += untold + outcome.failed + outcome.unwritten - outcome.untold


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
