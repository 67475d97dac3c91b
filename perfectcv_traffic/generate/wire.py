"""HTTP/1.1 over asyncio streams as a transport for httpx: a third of the CPU of its own.

Requests go one at a time over a connection, as they are: no header is added but what HTTP needs,
and none is refused for its value. Whatever is wrong with an answer is an error of httpx.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from typing import Final

import httpx

MAX_HEAD_BYTES: Final = 65_536
READ_BYTES: Final = 65_536
_CHUNK_LINE_BYTES: Final = 1024
_NO_BODY: Final = frozenset({204, 304})
_INFORMATIONAL: Final = range(100, 200)
_CONTROLS: Final = frozenset(range(32)) - {9} | {127}

Origin = tuple[str, str, int]


class Connection:
    """One connection, with when it was last used."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.idle_since = time.monotonic()
        self.is_reusable = False

    async def aclose(self) -> None:
        """Close it at once."""
        self.is_reusable = False
        self.writer.close()


class WireTransport(httpx.AsyncBaseTransport):
    """Keeps idle connections for `keepalive` seconds; opens one for whoever finds none."""

    def __init__(self, *, keepalive: float) -> None:
        self._keepalive = keepalive
        self._idle: dict[Origin, list[Connection]] = {}
        self._tls: ssl.SSLContext | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request; the answer's body is read as it is asked for."""
        origin = _origin(request.url)
        head = _head(request)
        connection = self._take(origin) or await self._open(origin)
        try:
            connection.writer.write(head + request.content)
            status, headers, http_1_1 = await _read_head(connection.reader)
        except BaseException as failure:
            await connection.aclose()
            raise _as_httpx(failure) from failure
        body = _Body(self, origin, connection, _framing(request.method, status, headers))
        body.keeps = http_1_1 and _value(headers, b"connection").lower() != b"close"
        return httpx.Response(
            status, headers=headers, stream=body, extensions={"network_stream": connection}
        )

    async def aclose(self) -> None:
        """Close every idle connection."""
        for kept in self._idle.values():
            for one in kept:
                await one.aclose()
        self._idle.clear()

    def give_back(self, origin: Origin, connection: Connection) -> None:
        """Keep a connection whose answer was read to its end."""
        connection.idle_since = time.monotonic()
        self._idle.setdefault(origin, []).append(connection)

    def _take(self, origin: Origin) -> Connection | None:
        kept = self._idle.get(origin, [])
        while kept:
            connection = kept.pop()
            is_fresh = time.monotonic() - connection.idle_since < self._keepalive
            if is_fresh and not connection.reader.at_eof() and not connection.writer.is_closing():
                return connection
            connection.writer.close()
        return None

    async def _open(self, origin: Origin) -> Connection:
        scheme, host, port = origin
        if scheme == "https" and self._tls is None:
            self._tls = httpx.create_ssl_context(trust_env=False)
        tls = self._tls if scheme == "https" else None
        try:
            streams = await asyncio.open_connection(host, port, ssl=tls, limit=MAX_HEAD_BYTES)
        except OSError as failure:
            raise httpx.ConnectError(str(failure)) from failure
        return Connection(*streams)


class _Body(httpx.AsyncByteStream):
    """The body of one answer."""

    def __init__(
        self, transport: WireTransport, origin: Origin, connection: Connection, length: int | None
    ) -> None:
        self.transport = transport
        self.origin = origin
        self.connection = connection
        self.length = length
        self.keeps = False
        self._is_whole = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        reader = self.connection.reader
        try:
            if self.length == CHUNKED:
                chunks = _chunks(reader)
            elif self.length is None:
                self.keeps = False
                chunks = _until_closed(reader)
            else:
                chunks = _exactly(reader, self.length)
            async for chunk in chunks:
                yield chunk
            self._is_whole = True
        except (OSError, EOFError, ValueError) as failure:
            raise _as_httpx(failure) from failure

    async def aclose(self) -> None:
        """Keep the connection if its answer was read to the end, else close it."""
        if self._is_whole and self.keeps and not self.connection.writer.is_closing():
            self.transport.give_back(self.origin, self.connection)
        else:
            await self.connection.aclose()


CHUNKED: Final = -1


async def _exactly(reader: asyncio.StreamReader, length: int) -> AsyncIterator[bytes]:
    while length:
        chunk = await reader.read(min(length, READ_BYTES))
        if not chunk:
            raise EOFError("the body broke off")
        length -= len(chunk)
        yield chunk


async def _until_closed(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while chunk := await reader.read(READ_BYTES):
        yield chunk


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        line = await reader.readline()
        if not line.endswith(b"\n") or len(line) > _CHUNK_LINE_BYTES:
            raise EOFError("the body broke off")
        size = int(line.partition(b";")[0].strip() or b"x", 16)
        async for part in _exactly(reader, size):
            yield part
        while (end := await reader.readline()) not in (b"\r\n", b"\n"):
            if not end or size:
                raise EOFError("the body broke off")
        if not size:
            return


def _origin(url: httpx.URL) -> Origin:
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)


def _head(request: httpx.Request) -> bytes:
    lines = [b"%s %s HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
    for name, value in request.headers.raw:
        if not _CONTROLS.isdisjoint(name) or not _CONTROLS.isdisjoint(value):
            raise httpx.LocalProtocolError("a header holds a control character")
        lines.append(b"%s: %s" % (name, value))
    return b"\r\n".join([*lines, b"", b""])


async def _read_head(
    reader: asyncio.StreamReader,
) -> tuple[int, list[tuple[bytes, bytes]], bool]:
    while True:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as failure:
            if not failure.partial:
                raise EOFError("Server disconnected without sending a response.") from failure
            raise ValueError("the head of the answer broke off") from failure
        except asyncio.LimitOverrunError as failure:
            raise ValueError("the head of the answer is too long") from failure
        status, headers, is_1_1 = _parsed(head)
        if status not in _INFORMATIONAL:
            return status, headers, is_1_1


def _parsed(head: bytes) -> tuple[int, list[tuple[bytes, bytes]], bool]:
    first, *rest = head[:-4].split(b"\r\n")
    version, _, after = first.partition(b" ")
    code = after[:3]
    if version not in (b"HTTP/1.1", b"HTTP/1.0") or not code.isdigit() or code < b"100":
        raise ValueError("the first line of the answer is no status line")
    headers = []
    for line in rest:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            raise ValueError("a line of the answer's head is no header")
        headers.append((name, value.strip()))
    return int(code), headers, version == b"HTTP/1.1"


def _framing(method: str, status: int, headers: list[tuple[bytes, bytes]]) -> int | None:
    """The length of the body, `CHUNKED`, or None: until the connection closes."""
    if method == "HEAD" or status in _NO_BODY:
        return 0
    if _value(headers, b"transfer-encoding").lower().endswith(b"chunked"):
        return CHUNKED
    length = _value(headers, b"content-length")
    if not length:
        return None
    if not length.isdigit():
        raise httpx.RemoteProtocolError("the length of the body is no number")
    return int(length)


def _value(headers: list[tuple[bytes, bytes]], wanted: bytes) -> bytes:
    return next((value for name, value in headers if name.lower() == wanted), b"")


def _as_httpx(failure: BaseException) -> BaseException:
    if isinstance(failure, EOFError | ValueError):
        return httpx.RemoteProtocolError(str(failure))
    return httpx.ReadError(str(failure)) if isinstance(failure, OSError) else failure
