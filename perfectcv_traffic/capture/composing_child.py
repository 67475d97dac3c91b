"""The composing child of a worker: the API's process only ships what it gathered.

Reading, redacting and writing cost more than all the rest of the recorder; in a process of their
own they take no time from the event loop. The child lives as long as the worker whose it is, and
finishes what was shipped when that is killed. Where no child can be had, batches are recorded in
the application's process as before: nothing waits for it. A batch over which a child died or hung
is not: what did that to a process apart would do it to the API.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from collections import deque

import msgspec

from perfectcv_traffic import module_command
from perfectcv_traffic.capture import child
from perfectcv_traffic.capture.batch_recorder import BatchRecorder
from perfectcv_traffic.capture.channel import Answer, Batch, Channel, Start, encode
from perfectcv_traffic.capture.exchange import OVERHEAD_BYTES, Exchange
from perfectcv_traffic.capture.outcome import Outcome
from perfectcv_traffic.settings import Settings

START_DELAY = 1.0
"""Seconds between the first batch and the child: a process that ends sooner needs none."""
START_SECONDS = 60.0
ANSWER_SECONDS = 10.0
"""A child that takes longer over a batch is ended."""
MAX_RETRIES = 2
"""New children that try again what one died or hung over; each leaves out what it fails on."""
RETRY_INTERVAL = 60.0
STOP_SECONDS = 5.0
NICENESS = 5
"""A third of the worker's share of a core that both want: enough to keep up with it."""

IS_SUPPORTED = hasattr(socket, "AF_UNIX") and sys.platform != "win32"

logger = logging.getLogger("perfectcv_traffic")


_FAILURES = (OSError, EOFError, msgspec.MsgspecError)
_decode_answer = msgspec.msgpack.Decoder(Answer).decode


class ComposingChild:
    """Has batches recorded in a child process, else `here`; used from the writer's thread."""

    def __init__(self, settings: Settings, here: BatchRecorder) -> None:
        self._here = here
        # The one secret among the settings is of no use to the child.
        self._settings = msgspec.structs.replace(settings, admin_token="")
        self._templates: tuple[str, ...] = ()
        self.command = module_command.python("perfectcv_traffic.capture.composing_process")
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._is_ready = False
        self._next_start: float | None = None
        self._started_at = 0.0

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is none to work with."""
        return self._process.pid if self._process and self._is_ready else None

    def write(self, batch: list[Exchange], untold: int) -> Outcome:
        """Record a batch; `untold` requests were lost before it."""
        outcome = self._shipped(batch, untold)
        if outcome is None:
            return self._here.write(batch, untold)
        self._here.close()  # a file kept open would keep a rotated log on the disk
        return outcome

    def _shipped(self, batch: list[Exchange], untold: int) -> Outcome | None:
        """What the child made of a batch; None when it has to be recorded here. Never raises."""
        self._templates = next((e.templates for e in batch if e.templates), self._templates)
        try:
            channel = self._ready_channel()
        except _FAILURES as error:
            self._give_up(error)
            return None
        message = None if channel is None else _message(batch, untold)
        if channel is None or message is None:
            return None
        process = self._process
        try:
            return self._ask(channel, message)
        except _FAILURES as error:
            if self._process is not process:  # ended meanwhile by one who waits for it no longer
                return _lost(len(batch), untold)
            self._end(error, "what it had is tried in a new one, without bodies")
            return self._retried(batch, untold)

    def _ask(self, channel: Channel, message: bytes) -> Outcome | None:
        """What the child made of a batch; None if it could not read it."""
        channel.send(message)
        answer = _decode_answer(channel.receive())
        for level, text in answer.said:
            logger.log(level, "%s", text)
        return answer.outcome

    def _retried(self, batch: list[Exchange], untold: int) -> Outcome:
        """What new children make of a batch that one died or hung over: no bodies, one by one.

        It is not recorded here, as it would do to the application what it did to the child.
        """
        total, waiting = Outcome(untold=untold), deque(batch)
        for exchange in batch:
            total.bodies_dropped += exchange.size > OVERHEAD_BYTES
            exchange.drop_bodies()
        for _ in range(MAX_RETRIES):
            if not waiting or not self._tried_anew(waiting, total):
                break
        total.then(_lost(len(waiting), total.untold))
        return total

    def _tried_anew(self, waiting: deque[Exchange], total: Outcome) -> bool:
        """Ship one by one to a new child; False if there can be no other one when it fails."""
        try:
            channel = self._replace()
        except _FAILURES as error:
            self._give_up(error)
            return False
        process = self._process
        try:
            while waiting:
                outcome = self._ask(channel, encode(Batch(total.untold, [waiting[0]])))
                total.then(outcome or _lost(1, total.untold))
                waiting.popleft()
        except _FAILURES as error:
            waiting.popleft()
            total.then(_lost(1, total.untold))
            if self._process is not process:
                return False
            self._end(error, "the request that it had is not recorded")
        return True

    def close(self) -> None:
        """Let go of the file and of what belongs to the thread; the child stays."""
        self._here.close()

    def stop(self) -> None:
        """Let the child end, for a bounded time."""
        process, self._process = self._process, None
        self._close_channel()
        if process is not None:
            child.end(process, patience=STOP_SECONDS)
        self._next_start = None

    def forget(self) -> None:
        """In a forked child: process and socket are the parent's."""
        self._here.close()
        process, self._process = self._process, None
        self._close_channel()
        if process is not None:
            process.returncode = 0  # not ours to wait for
        self._next_start = None

    def _ready_channel(self) -> Channel | None:
        now = time.monotonic()
        if self._channel is None:
            if self._next_start is None:
                self._next_start = now + START_DELAY
            if now >= self._next_start:
                self._start()
            return None
        if not self._is_ready:
            if not self._channel.has_message():
                if now - self._started_at > START_SECONDS:
                    raise TimeoutError("it did not start in time")
                return None
            self._await_ready(self._channel)
        if self._process is not None and self._process.poll() is not None:
            raise EOFError("it ended")  # with nothing of ours
        return self._channel

    def _replace(self) -> Channel:
        """A new child that is ready; waits for it."""
        return self._await_ready(self._start())

    def _await_ready(self, channel: Channel) -> Channel:
        channel.receive()
        channel.set_timeout(ANSWER_SECONDS)
        self._is_ready = True
        return channel

    def _start(self) -> Channel:
        child.require_python()
        ours, theirs = socket.socketpair()
        with theirs:
            ours.settimeout(START_SECONDS)
            channel = self._channel = Channel(ours)
            self._started_at = time.monotonic()
            self._process = subprocess.Popen(
                self.command,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                **child.OWN_GROUP,
            )
        child.give_way(self._process, niceness=NICENESS)
        channel.send(encode(Start(self._settings, self._templates)))
        return channel

    def _give_up(self, error: Exception) -> None:
        self._end(error, "they are recorded in the application's process for now")

    def _end(self, error: Exception, consequence: str) -> None:
        process, self._process = self._process, None
        self._close_channel()
        if process is not None:
            process.kill()  # it must not go on with what is recorded elsewhere now
            process.wait()
        self._next_start = time.monotonic() + RETRY_INTERVAL
        logger.warning(
            "the process beside pid %d that records requests failed (%s); %s",
            os.getpid(), str(error) or type(error).__name__, consequence,
        )  # fmt: skip

    def _close_channel(self) -> None:
        channel, self._channel, self._is_ready = self._channel, None, False
        if channel is not None:
            channel.close()


def _message(batch: list[Exchange], untold: int) -> bytes | None:
    """A batch as it is shipped; None where a server or an application has odd types."""
    try:
        return encode(Batch(untold, batch))
    except (TypeError, ValueError, OverflowError, msgspec.EncodeError):
        return None


def _lost(requests: int, untold: int) -> Outcome:
    return Outcome(untold=untold + requests, failed=requests)
