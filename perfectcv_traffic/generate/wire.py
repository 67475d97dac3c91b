"""HTTP/1.1 over asyncio: kept connections, each carrying one exchange after the other.

Below both clients, the one of httpx for few requests and the bare one for many. Whatever goes wrong
is a `WireError` with a fixed text: what a server or a library says may hold a secret.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from typing import Final

from perfectcv_traffic.generate.reading import NotHttpError, Reading
from perfectcv_traffic.generate.statuses import SERVER_ERRORS

_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})

NO_ADDRESS: Final = "the host has no address"
NO_TLS: Final = "no TLS there"
UNTRUSTED: Final = "the certificate is not trusted"

Origin = tuple[str, str, int]
"""Scheme, host, port."""


class WireError(Exception):
    """There is no whole answer; the message says why."""


class Connection(asyncio.Protocol):
    """One connection, with when it was last used."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._reading: Reading | None = None
        self._done: asyncio.Future[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether a request can be written to it."""
        return self._transport is not None and not self._transport.is_closing()

    async def perform(self, payload: bytes, reading: Reading) -> None:
        """Write one request and wait until its answer is done. Raises `WireError`."""
        if self._transport is None:
            raise WireError("connection broke")
        self._reading = reading
        self._done = asyncio.get_running_loop().create_future()
        self._transport.write(payload)
        try:
            await self._done
        finally:
            self._reading = self._done = None

    def close(self) -> None:
        """Close it at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        if self._reading is None:
            self.close()  # nobody asked
            return
        try:
            if self._reading.feed(data):
                self._finish(None)
        except NotHttpError:
            self._finish(WireError("answer is not valid HTTP"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio, with None at the end of the stream."""
        self._transport = None
        if self._reading is None:
            return
        if isinstance(exc, ConnectionResetError):
            self._finish(WireError("connection reset"))
        elif exc is not None:
            self._finish(WireError("connection broke"))
        else:
            self._finish(_end_of(self._reading))

    def _finish(self, failure: WireError | None) -> None:
        if self._done is None or self._done.done():
            return
        if failure is None:
            self._done.set_result(None)
        else:
            self._done.set_exception(failure)


class Wire:
    """Keeps idle connections for `keepalive` seconds; opens one for whoever finds none."""

    def __init__(self, *, keepalive: float) -> None:
        self._keepalive = keepalive
        self._idle: dict[Origin, list[Connection]] = {}
        self._tls: ssl.SSLContext | None = None

    async def exchange(self, origin: Origin, payload: bytes, reading: Reading) -> None:
        """Send one request; `reading` has what came back, also after a `WireError`."""
        kept = self._take(origin)
        if kept is not None:
            try:
                await self._perform(origin, kept, payload, reading)
            except WireError:
                if reading.has_begun or reading.method not in _IDEMPOTENT:
                    raise
            else:
                return
        # A kept connection may be closed by the server as the request goes out (RFC 9112, 9.3.1).
        await self._perform(origin, await self._open(origin), payload, reading)

    async def _perform(
        self, origin: Origin, connection: Connection, payload: bytes, reading: Reading
    ) -> None:
        try:
            await connection.perform(payload, reading)
        except BaseException:
            connection.close()
            raise
        # uvicorn closes the connection after an exception but does not say so: the next request
        # on it would be lost, or not, by chance.
        if reading.keeps_connection and reading.status not in SERVER_ERRORS:
            connection.idle_since = time.monotonic()
            self._idle.setdefault(origin, []).append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close every idle connection."""
        for kept in self._idle.values():
            for one in kept:
                one.close()
        self._idle.clear()

    def _take(self, origin: Origin) -> Connection | None:
        kept = self._idle.get(origin, [])
        while kept:
            connection = kept.pop()
            is_fresh = time.monotonic() - connection.idle_since < self._keepalive
            if is_fresh and connection.is_open:
                return connection
            connection.close()
        return None

    async def _open(self, origin: Origin) -> Connection:
        scheme, host, port = origin
        loop = asyncio.get_running_loop()
        try:
            context = self._tls_context() if scheme == "https" else None
            _, connection = await loop.create_connection(Connection, host, port, ssl=context)
        except ConnectionRefusedError as failure:
            raise WireError("connection refused") from failure
        except ConnectionResetError as failure:
            raise WireError("connection reset") from failure
        except ssl.SSLCertVerificationError as failure:
            raise WireError(UNTRUSTED) from failure
        except ssl.SSLError as failure:
            raise WireError(NO_TLS) from failure
        except (socket.gaierror, UnicodeError) as failure:
            raise WireError(NO_ADDRESS) from failure
        except OSError as failure:
            raise WireError("no connection") from failure
        return connection

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


def _end_of(reading: Reading) -> WireError | None:
    try:
        reading.end()
    except EOFError:
        return WireError("connection closed without an answer")
    except NotHttpError:
        return WireError("answer is not valid HTTP")
    return None
