"""The ASGI layer: watches messages go by and changes nothing but the echoed request id.

Whatever fails in here is counted and kept from the application: it is served as if alone.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Protocol

from perfectcv_traffic.capture import exceptions
from perfectcv_traffic.capture.exchange import Exchange
from perfectcv_traffic.record import REQUEST_ID_HEADER

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

MARK = "perfectcv_traffic.request_id"
"""Scope key of the request id; its presence says that a recorder is already outside."""

_REQUEST_ID = REQUEST_ID_HEADER.lower().encode()
_WELL_FORMED_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


class Sink(Protocol):
    """Takes finished exchanges; neither blocks nor raises."""

    def hold(self, exchange: Exchange) -> None:
        """Take an exchange whose response is over; `submit` follows when its application is."""

    def submit(self, exchange: Exchange) -> None:
        """Take an exchange that is over, its application too."""

    def fault(self) -> None:
        """Count and report the exception being handled: a bug of the recorder."""

    def missed(self) -> None:
        """Count an error that came after its exchange was recorded."""


class Recorder:
    """ASGI middleware that hands every HTTP exchange to a sink. Belongs outermost."""

    def __init__(
        self,
        app: ASGIApp,
        sink: Sink,
        *,
        body_limit: int,
        on_shutdown: Callable[[], Awaitable[None]],
        keep_scope: bool = False,
    ) -> None:
        self.app = app
        self._on_shutdown = on_shutdown
        self._sink = sink
        self._body_limit = body_limit
        self._keep_scope = keep_scope

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection as the wrapped application would."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, self._before_shutdown(send))
            return
        observer = None
        if scope["type"] == "http" and MARK not in scope:
            observer = self._observer(scope, receive, send)
        if observer is None:
            await self.app(scope, receive, send)
        else:
            await self._watch(observer, scope)

    async def _watch(self, observer: _Observer, scope: Scope) -> None:
        try:
            await self.app(scope, observer.receive, observer.send)
        except BaseException as error:
            observer.failed(error)
            raise
        finally:
            observer.returned()

    def _observer(self, scope: Scope, receive: Receive, send: Send) -> _Observer | None:
        try:
            exchange = Exchange(scope, _request_id(scope["headers"]), self._body_limit)
            scope[MARK] = exchange.request_id
            if self._keep_scope:
                exchange.scope = scope
        except Exception:
            self._sink.fault()
            return None
        return _Observer(exchange, scope, receive, send, self._sink)

    def _before_shutdown(self, send: Send) -> Send:
        async def send_after_recorder(message: Message) -> None:
            # The application's own shutdown is over; the server exits once this has been sent.
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                await self._on_shutdown()
            await send(message)

        return send_after_recorder


class _Observer:
    """Watches one request: its `receive` and `send` stand in for the server's."""

    __slots__ = ("_exchange", "_receive", "_scope", "_send", "_sink")

    def __init__(
        self, exchange: Exchange, scope: Scope, receive: Receive, send: Send, sink: Sink
    ) -> None:
        self._exchange = exchange
        self._scope = scope
        self._receive = receive
        self._send = send
        self._sink = sink

    async def receive(self) -> Message:
        message = await self._receive()
        try:
            self._exchange.request_message(message)
        except Exception:
            self._sink.fault()
        return message

    async def send(self, message: Message) -> None:
        exchange = self._exchange
        try:
            if message["type"] == "http.response.start":
                message = self._start(message)
            else:
                exchange.response_message(message)
        except Exception:
            self._sink.fault()
        try:
            await self._send(message)
        except OSError:  # the server's way to say that the client is gone
            exchange.client_disconnected = True
            raise
        if exchange.final:
            exchange.complete = True
            self._hold()

    def _start(self, message: Message) -> Message:
        """The response start with the request id added, unless the application set one."""
        headers = message.get("headers", ())
        if not isinstance(headers, list):  # an iterator can be read only once
            headers = list(headers)
            message = {**message, "headers": headers}
        try:
            self._exchange.response_start(message, headers)
            if not any(name.lower() == _REQUEST_ID for name, _ in headers):
                echo = (_REQUEST_ID, self._exchange.request_id.encode())
                return {**message, "headers": [*headers, echo]}
        except Exception:
            self._sink.fault()
        return message

    def failed(self, error: BaseException) -> None:
        """Note the exception that the application raised."""
        self._exchange.error = exceptions.describe(error)
        if self._exchange.taken:
            self._sink.missed()

    def _hold(self) -> None:
        """The response is whole: what it was is certain, background tasks may still run."""
        exchange = self._exchange
        if exchange.finished_at is None:
            try:
                exchange.finish(self._scope)
                exchange.held = True
                self._sink.hold(exchange)
            except Exception:
                self._sink.fault()

    def returned(self) -> None:
        """Hand the exchange over: the application is done."""
        try:
            if self._exchange.finished_at is None:
                self._exchange.finish(self._scope)
            self._sink.submit(self._exchange)
        except Exception:
            self._sink.fault()


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    for name, value in headers:
        if name.lower() == _REQUEST_ID and _WELL_FORMED_ID.fullmatch(value):
            return value.decode("ascii")
    return _uuid4(secrets.token_hex(16))


def _uuid4(digits: str) -> str:
    """A version 4 UUID of 32 random digits; `uuid.uuid4` takes three times as long."""
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
