"""Recording in a child process: the API's process only ships what it gathered.

Reading, redacting and writing cost more than all the rest of the recorder; in a process of their
own they take no time from the event loop. The child lives as long as the worker whose it is, and
finishes what was shipped when that is killed. Where no child can be had, or for as long as it does
not answer, batches are recorded in the application's process as before: nothing waits for it.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time

import msgspec

from perfectcv_traffic import module_command
from perfectcv_traffic.capture import child
from perfectcv_traffic.capture.channel import Channel
from perfectcv_traffic.capture.exchange import Exchange
from perfectcv_traffic.capture.outcome import Outcome
from perfectcv_traffic.settings import Settings

START_DELAY = 1.0
"""Seconds between the first batch and the child: a process that ends sooner needs none."""
START_SECONDS = 60.0
ANSWER_SECONDS = 10.0
"""A child that takes longer over a batch is ended, and the batch recorded here."""
RETRY_INTERVAL = 60.0
STOP_SECONDS = 5.0
NICENESS = 5
"""A third of the worker's share of a core that both want: enough to keep up with it."""

IS_SUPPORTED = hasattr(socket, "AF_UNIX") and sys.platform != "win32"

logger = logging.getLogger("perfectcv_traffic")


class Batch(msgspec.Struct, array_like=True):
    """What the child is asked to record."""

    untold: int
    exchanges: list[Exchange]


class Answer(msgspec.Struct, array_like=True):
    """What became of it; no outcome when the batch could not be read."""

    outcome: Outcome | None
    said: list[tuple[int, str]] = []
    """Level and text of what the child would have logged."""


_encode = msgspec.msgpack.Encoder().encode
_decode_answer = msgspec.msgpack.Decoder(Answer).decode


class Offload:
    """The child process of one worker; used from the writer's thread."""

    def __init__(self, settings: Settings) -> None:
        # The one secret among the settings is of no use to the child.
        self._settings = msgspec.structs.replace(settings, admin_token="")
        self.command = module_command.python("perfectcv_traffic.capture.offloaded")
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._is_ready = False
        self._next_start: float | None = None
        self._started_at = 0.0

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is none to work with."""
        return self._process.pid if self._process and self._is_ready else None

    def write(self, batch: list[Exchange], untold: int) -> Outcome | None:
        """What the child made of a batch; None when it has to be recorded here. Never raises."""
        try:
            channel = self._ready_channel()
            if channel is None:
                return None
            try:
                message = _encode(Batch(untold, batch))
            except (TypeError, ValueError, OverflowError):  # a server or application with odd types
                return None
            channel.send(message)
            answer = _decode_answer(channel.receive())
        except (OSError, EOFError, msgspec.MsgspecError) as error:
            self._give_up(error)
            return None
        for level, text in answer.said:
            logger.log(level, "%s", text)
        return answer.outcome

    def stop(self) -> None:
        """Let the child end, for a bounded time."""
        process, self._process = self._process, None
        self._close_channel()
        if process is not None:
            child.end(process, patience=STOP_SECONDS)
        self._next_start = None

    def forget(self) -> None:
        """In a forked child: process and socket are the parent's."""
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
            self._channel.receive()
            self._is_ready = True
        return self._channel

    def _start(self) -> None:
        child.require_python()
        ours, theirs = socket.socketpair()
        with theirs:
            ours.settimeout(ANSWER_SECONDS)
            self._channel, self._started_at = Channel(ours), time.monotonic()
            self._process = subprocess.Popen(
                self.command,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                **child.OWN_GROUP,
            )
        child.give_way(self._process, niceness=NICENESS)
        self._channel.send(_encode(self._settings))

    def _give_up(self, error: Exception) -> None:
        process, self._process = self._process, None
        self._close_channel()
        if process is not None:
            process.kill()  # it must not go on with what is recorded here now
            process.wait()
        self._next_start = time.monotonic() + RETRY_INTERVAL
        reason = str(error) or type(error).__name__
        logger.warning(
            "the process beside pid %d that records requests failed (%s);"
            " they are recorded in the application's process for now",
            os.getpid(), reason,
        )  # fmt: skip

    def _close_channel(self) -> None:
        channel, self._channel, self._is_ready = self._channel, None, False
        if channel is not None:
            channel.close()
