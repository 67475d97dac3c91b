"""The ASGI layer: watches messages go by and changes nothing but the echoed request id."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Protocol

from perfectcv_traffic.capture.exchange import Exchange
from perfectcv_traffic.record import REQUEST_ID_HEADER

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

MARK = "perfectcv_traffic.request_id"
"""Scope key of the request id; its presence says that a recorder is already outside."""

ERROR_LIMIT = 500
_REQUEST_ID = REQUEST_ID_HEADER.lower().encode()
_WELL_FORMED_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


class Sink(Protocol):
    """Takes finished exchanges; neither blocks nor raises."""

    def submit(self, exchange: Exchange) -> None:
        """Take one exchange."""

    async def drain(self) -> None:
        """Wait, for a bounded time, until everything taken is written."""


class Recorder:
    """ASGI middleware that hands every HTTP exchange to a sink. Belongs outermost."""

    def __init__(self, app: ASGIApp, sink: Sink, *, body_limit: int) -> None:
        self.app = app
        self._sink = sink
        self._body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection as the wrapped application would."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, self._drain_before_shutdown(send))
        elif scope["type"] != "http" or MARK in scope:
            await self.app(scope, receive, send)
        else:
            await self._record(scope, receive, send)

    async def _record(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[MARK] = request_id = _request_id(scope["headers"])
        exchange = Exchange(scope, request_id, self._body_limit)
        observer = _Observer(exchange, scope, receive, send, self._sink)
        try:
            await self.app(scope, observer.receive, observer.send)
        except BaseException as error:
            exchange.error = _describe(error)
            raise
        finally:
            observer.finish()

    def _drain_before_shutdown(self, send: Send) -> Send:
        async def send_after_drain(message: Message) -> None:
            # The application's own shutdown is over; the server exits once this has been sent.
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                await self._sink.drain()
            await send(message)

        return send_after_drain


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
        self._exchange.request_message(message)
        return message

    async def send(self, message: Message) -> None:
        kind = message["type"]
        exchange = self._exchange
        if kind == "http.response.start":
            message = self._start(message)
        elif kind == "http.response.body":
            exchange.response_body.add(message.get("body", b""))
            exchange.complete = not message.get("more_body", False)
        await self._send(message)
        if exchange.complete:
            self.finish()

    def _start(self, message: Message) -> Message:
        headers = _as_list(message.get("headers", ()))
        self._exchange.response_start(message["status"], headers)
        if any(name.lower() == _REQUEST_ID for name, _ in headers):
            return {**message, "headers": headers}
        echo = (_REQUEST_ID, self._exchange.request_id.encode())
        return {**message, "headers": [*headers, echo]}

    def finish(self) -> None:
        """Hand the exchange over, once: when its response is whole, or when the app is done."""
        if self._exchange.finished_at is None:
            self._exchange.finish(self._scope)
            self._sink.submit(self._exchange)


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    for name, value in headers:
        if name.lower() == _REQUEST_ID and _WELL_FORMED_ID.fullmatch(value):
            return value.decode("ascii")
    return str(uuid.uuid4())


def _as_list(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    # An iterator can be read only once: what is kept here is also what is forwarded.
    return headers if isinstance(headers, list) else list(headers)


def _describe(error: BaseException) -> str:
    try:
        message = str(error)
    except Exception:  # the application's own __str__ may fail
        message = "(its message cannot be shown)"
    name = type(error).__qualname__
    return f"{name}: {message[:ERROR_LIMIT]}" if message else name
