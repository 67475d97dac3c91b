"""One HTTP/1.1 answer while it arrives: fed with bytes, strict about what it accepts.

RFC 9112, of which a client needs the status line, the header fields and three ways to know where
a body ends. What has arrived stays known when the rest never does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

MAX_HEAD_BYTES: Final = 65_536
_MAX_CHUNK_LINE_BYTES: Final = 1024
_MAX_LENGTH_DIGITS: Final = 20
_HEXADECIMAL: Final = re.compile(rb"[0-9A-Fa-f]{1,16}")
_NO_BODY: Final = frozenset({204, 304})
_INFORMATIONAL: Final = range(100, 200)
_VERSIONS: Final = (b"HTTP/1.1", b"HTTP/1.0")
_LENGTH, _CODING, _CONNECTION = b"content-length", b"transfer-encoding", b"connection"

Field = tuple[bytes, bytes]


class NotHttpError(ValueError):
    """What arrives is no HTTP."""


class Reading:
    """The answer to one request of `method`, of whose body at most `limit` bytes are kept."""

    def __init__(self, method: str, limit: int) -> None:
        self.status: int | None = None
        self.fields: list[Field] = []
        self.body = bytearray()
        self.is_whole = False
        """The body was read to its end."""
        self.is_done = False
        """Nothing more is wanted: the answer is whole, or the limit is reached."""
        self.keeps_connection = False
        self.has_begun = False
        """At least one byte has arrived."""
        self.method = method
        self._limit = limit
        self._left = 0
        self._buffer = bytearray()
        self._step: Callable[[], bool] = self._read_head

    def feed(self, data: bytes) -> bool:
        """Take what has arrived; whether nothing more is wanted. Raises `NotHttpError`."""
        self.has_begun = True
        self._buffer += data
        while not self.is_done and self._step():
            pass
        if self.is_done and self._buffer:
            self.keeps_connection = False  # more than one answer to one request
        return self.is_done

    def end(self) -> None:
        """The connection was closed. Raises `EOFError` if nothing came, `NotHttpError` if cut."""
        if self._step == self._read_until_closed:
            self._finish()
        elif not self.has_begun:
            raise EOFError("closed without an answer")
        else:
            raise NotHttpError("the answer broke off")

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise NotHttpError("the head of the answer is too long")
            return False
        head = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        status, fields, is_1_1 = _parsed(head)
        if status in _INFORMATIONAL:
            return True
        self.status, self.fields = status, fields
        self._begin_body(is_1_1=is_1_1)
        return True

    def _begin_body(self, *, is_1_1: bool) -> None:
        framing = {name: value for name, value in self.fields if name in _FRAMING}
        self.keeps_connection = is_1_1 and framing.get(_CONNECTION, b"").lower() != b"close"
        if self.method == "HEAD" or self.status in _NO_BODY:
            self._finish()
        elif framing.get(_CODING, b"").lower().endswith(b"chunked"):
            self._step = self._read_chunk_line
        elif _LENGTH not in framing:
            self.keeps_connection = False
            self._step = self._read_until_closed
        else:
            self._left = _length(framing[_LENGTH])
            self._step = self._read_exactly
            if not self._left:
                self._finish()

    def _read_exactly(self) -> bool:
        if self._take_left():
            self._finish()
        return False

    def _read_until_closed(self) -> bool:
        self._keep(self._buffer)
        self._buffer.clear()
        return False

    def _read_chunk_line(self) -> bool:
        line = self._line()
        if line is None:
            return False
        length = line.partition(b";")[0].strip()
        if not _HEXADECIMAL.fullmatch(length):
            raise NotHttpError("the length of a chunk is no number")
        self._left = int(length, 16)
        self._step = self._read_chunk if self._left else self._read_trailer
        return True

    def _read_chunk(self) -> bool:
        if not self._take_left():
            return False
        self._step = self._read_chunk_end
        return True

    def _read_chunk_end(self) -> bool:
        line = self._line()
        if line:
            raise NotHttpError("a chunk is longer than it says")
        self._step = self._read_chunk_line
        return line is not None

    def _read_trailer(self) -> bool:
        line = self._line()
        if line == b"":
            self._finish()
        return bool(line)

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\n")
        if end < 0:
            if len(self._buffer) > _MAX_CHUNK_LINE_BYTES:
                raise NotHttpError("a line of the body is too long")
            return None
        line = bytes(self._buffer[:end]).removesuffix(b"\r")
        del self._buffer[: end + 1]
        return line

    def _take_left(self) -> bool:
        """Take up to `_left` bytes of the body; whether they were all there."""
        part = self._buffer[: self._left]
        del self._buffer[: self._left]
        self._left -= len(part)
        self._keep(part)
        return not self._left and not self.is_done

    def _keep(self, part: bytearray) -> None:
        self.body += part[: self._limit - len(self.body)]
        if len(self.body) >= self._limit:
            self.is_done = True
            self.keeps_connection = False

    def _finish(self) -> None:
        self.is_whole = self.is_done = True


_FRAMING: Final = (_LENGTH, _CODING, _CONNECTION)


def _parsed(head: bytes) -> tuple[int, list[Field], bool]:
    """Status, header fields with lower-case names, and whether it is HTTP/1.1."""
    first, *rest = head.split(b"\r\n")
    version, _, after = first.partition(b" ")
    code = after[:3]
    if version not in _VERSIONS or not code.isdigit() or code < b"100":
        raise NotHttpError("the first line of the answer is no status line")
    fields = []
    for line in rest:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            raise NotHttpError("a line of the answer's head is no header")
        fields.append((name.lower(), value.strip()))
    return int(code), fields, version == b"HTTP/1.1"


def _length(text: bytes) -> int:
    if not text.isdigit() or len(text) > _MAX_LENGTH_DIGITS:
        raise NotHttpError("the length of the body is no number")
    return int(text)
