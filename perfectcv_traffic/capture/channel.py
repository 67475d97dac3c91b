"""Messages between two processes: bytes, each preceded by its length, over a connected socket."""

from __future__ import annotations

import socket
import struct

_LENGTH = struct.Struct("<Q")


class Channel:
    """One end. The timeout of the socket is that of every message."""

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
