"""The composing child itself, run by `python -m`: it records what its worker ships.

It ends when its standard input does, which is when the worker is gone and everything it shipped
has been recorded.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import msgspec

from perfectcv_traffic.capture.append_only_log import AppendOnlyLog
from perfectcv_traffic.capture.batch_recorder import BatchRecorder
from perfectcv_traffic.capture.channel import Answer, Batch, Channel, Start, encode
from perfectcv_traffic.capture.compose import Composer
from perfectcv_traffic.capture.exchange import OVERHEAD_BYTES, Exchange
from perfectcv_traffic.capture.preemption import PreemptionPoints
from perfectcv_traffic.capture.sampler import Sampler
from perfectcv_traffic.capture.writer import BATCH_BYTES
from perfectcv_traffic.garbage import no_collection

PATIENCE_SECONDS = 0.02
"""How long a batch may give way to the worker: it takes longer where others want the core too."""


# Each exchange is decoded when it is its turn, and let go of after.
_decode_batch = msgspec.msgpack.Decoder(Batch[msgspec.Raw]).decode
_decode_exchange = msgspec.msgpack.Decoder(Exchange).decode


class _Said(logging.Handler):
    """Keeps what is logged for the worker, which has the application's handlers."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append((record.levelno, self.format(record)))

    def taken(self) -> list[tuple[int, str]]:
        messages, self.messages = self.messages, []
        return messages


def main() -> None:
    """Record batches until the worker is gone."""
    # A service manager may signal the whole group: the worker decides when it is over.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    with socket.socket(fileno=os.dup(0)) as connection, suppress(EOFError):
        connection.settimeout(None)
        channel = Channel(connection)
        points = PreemptionPoints(PATIENCE_SECONDS)
        recorder = _recorder(msgspec.msgpack.decode(channel.receive(), type=Start), points)
        said = _listen()
        channel.send(b"ready")
        gc.freeze()  # what is there now stays
        while True:
            message = channel.receive()
            answer = _answer(recorder, message, said, points)
            with suppress(OSError):  # the worker is gone: what else it shipped is there to be read
                channel.send(encode(answer))


def _recorder(start: Start, points: PreemptionPoints) -> BatchRecorder:
    settings = start.settings
    file = AppendOnlyLog(Path(settings.log))
    return BatchRecorder(
        file, Sampler(settings), Composer(settings, templates=start.templates), points
    )


def _answer(
    recorder: BatchRecorder, message: bytes, said: _Said, points: PreemptionPoints
) -> Answer:
    try:
        batch = _decode_batch(message)
        if len(message) + OVERHEAD_BYTES * len(batch.exchanges) < BATCH_BYTES:
            points.begin()  # else more waits already: the worker, under full load, gets ahead of us
        with no_collection():
            outcome = recorder.write(map(_decode_exchange, batch.exchanges), batch.untold)
    except msgspec.ValidationError:  # odd types, which the worker can record
        return Answer(None, said.taken())
    return Answer(outcome, said.taken())


def _listen() -> _Said:
    handler, logger = _Said(), logging.getLogger("perfectcv_traffic")
    logger.addHandler(handler)
    logger.propagate = False
    return handler


if __name__ == "__main__":
    main()
