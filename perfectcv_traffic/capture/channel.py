"""What a worker and its composing child say to each other: messages over a connected socket."""

from __future__ import annotations

import socket
import struct
from typing import Generic, TypeVar

import msgspec

from perfectcv_traffic.capture.outcome import Outcome
from perfectcv_traffic.settings import Settings

_LENGTH = struct.Struct("<Q")

E = TypeVar("E")


class Start(msgspec.Struct, array_like=True):
    """What a child has to know before its first batch."""

    settings: Settings
    templates: tuple[str, ...] = ()
    """Those of the application's routes that were told before."""


class Batch(msgspec.Struct, Generic[E], array_like=True):
    """What the child is asked to record: of exchanges, or of what is yet to be decoded to them."""

    untold: int
    exchanges: list[E]


class Answer(msgspec.Struct, array_like=True):
    """What became of a batch; no outcome when it could not be read."""

    outcome: Outcome | None
    said: list[tuple[int, str]] = []
    """Level and text of what the child would have logged."""


encode = msgspec.msgpack.Encoder().encode


class Channel:
    """One end: bytes, each message preceded by its length.

    The timeout of the socket is that of every message.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def set_timeout(self, seconds: float) -> None:
        """Give every later message so much time."""
        self._connection.settimeout(seconds)

    def send(self, message: bytes) -> None:
        """Send one message. Raises OSError, TimeoutError among them."""
        self._connection.sendall(_LENGTH.pack(len(message)) + message)

    def receive(self) -> bytes:
        """The next message. Raises EOFError when the other end is gone, else as `send`."""
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        return self._exactly(length)

    def has_message(self) -> bool:
        """Whether something can be received now, if only the other end's absence."""
        timeout = self._connection.gettimeout()
        self._connection.settimeout(0)
        try:
            self._connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            self._connection.settimeout(timeout)
        return True

    def close(self) -> None:
        """Close this end; the other end notices."""
        self._connection.close()

    def _exactly(self, length: int) -> bytes:
        parts, missing = [], length
        while missing:
            part = self._connection.recv(min(missing, 1_048_576))
            if not part:
                raise EOFError("the other process is gone")
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)
