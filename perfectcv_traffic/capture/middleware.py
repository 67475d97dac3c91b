"""The ASGI layer: watches messages go by and changes nothing but the echoed request id.

Whatever fails in here is counted and kept from the application: it is served as if alone.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Protocol

from perfectcv_traffic.capture import error_message
from perfectcv_traffic.capture.exchange import Exchange, RawHeaders, begin
from perfectcv_traffic.capture.ids import new_event_id, new_request_id
from perfectcv_traffic.capture.routes import RouteTable
from perfectcv_traffic.record import REQUEST_ID_HEADER

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

MARK = "perfectcv_traffic.request_id"
"""Scope key of the request id; its presence says that a recorder is already outside."""

_REQUEST_ID = REQUEST_ID_HEADER.lower().encode()
_LENGTH = len(_REQUEST_ID)
_WELL_FORMED_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


class Sink(Protocol):
    """Takes finished exchanges; neither blocks nor raises."""

    def submit(self, exchange: Exchange) -> None:
        """Take an exchange that is over."""

    def hold(self, exchange: Exchange) -> None:
        """Take an exchange whose response is over, but not yet its application."""

    def release(self, exchange: Exchange) -> None:
        """The application of a held exchange is done."""

    def fault(self) -> None:
        """Count and report the exception being handled: a bug of the recorder."""


class Recorder:
    """ASGI middleware that hands every HTTP exchange to a sink. Belongs outermost."""

    def __init__(
        self,
        app: ASGIApp,
        sink: Sink,
        routes: RouteTable,
        *,
        body_limit: int,
        on_shutdown: Callable[[], Awaitable[None]],
        keep_scope: bool = False,
    ) -> None:
        self.app = app
        self._on_shutdown = on_shutdown
        self._sink = sink
        self._routes = routes
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
            times = time.time(), time.perf_counter()
            exchange = begin(scope, _request_id(scope["headers"]), new_event_id(), times)
            scope[MARK] = exchange.request_id
            if self._keep_scope:
                exchange.scope = scope
        except Exception:
            self._sink.fault()
            return None
        return _Observer(exchange, scope, (receive, send), self._body_limit, self)

    def fault(self) -> None:
        """Count and report the exception being handled."""
        self._sink.fault()

    def over(self, exchange: Exchange, scope: Scope) -> None:
        """The response is whole: what it was is certain, background tasks may still run."""
        self._settle(exchange, scope)
        self._sink.hold(exchange)

    def done(self, exchange: Exchange, scope: Scope) -> None:
        """The application is done."""
        if exchange.finished_at is not None:
            self._sink.release(exchange)
            return
        self._settle(exchange, scope)
        self._sink.submit(exchange)

    def _settle(self, exchange: Exchange, scope: Scope) -> None:
        exchange.finished_at = time.perf_counter()
        try:
            self._routes.settle(exchange, scope)
        except Exception:
            self._sink.fault()

    def _before_shutdown(self, send: Send) -> Send:
        async def send_after_recorder(message: Message) -> None:
            # The application's own shutdown is over; the server exits once this has been sent.
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                try:
                    await self._on_shutdown()
                except Exception:
                    self.fault()
            await send(message)

        return send_after_recorder


class _Observer:
    """Watches one request: its `receive` and `send` stand in for the server's."""

    __slots__ = (
        "_ends_with_trailers", "_exchange", "_is_over", "_limit", "_receive", "_recorder",
        "_scope", "_send",
    )  # fmt: skip

    def __init__(
        self,
        exchange: Exchange,
        scope: Scope,
        channels: tuple[Receive, Send],
        limit: int,
        recorder: Recorder,
    ) -> None:
        self._exchange = exchange
        self._scope = scope
        self._receive, self._send = channels
        self._limit = limit
        self._recorder = recorder
        self._ends_with_trailers = False
        self._is_over = False
        """The application handed over the last message of its response."""

    async def receive(self) -> Message:
        message = await self._receive()
        try:
            self._received(message)
        except Exception:
            self._recorder.fault()
        return message

    def _received(self, message: Message) -> None:
        exchange = self._exchange
        if message["type"] == "http.request":
            exchange.request_body.add(message.get("body", b""), self._limit)
            if not message.get("more_body", False):
                exchange.received_at = time.perf_counter()
        elif message["type"] == "http.disconnect" and not self._is_over:
            exchange.client_disconnected = True
            exchange.answered_nobody = exchange.status is None

    async def send(self, message: Message) -> None:
        try:
            if message["type"] == "http.response.start":
                message = self._started(message)
            else:
                self._sent(message)
        except Exception:
            self._recorder.fault()
        try:
            await self._send(message)
        except OSError:  # the server's way to say that the client is gone
            self._exchange.client_disconnected = True
            raise
        if self._is_over:
            self._over()

    def _started(self, message: Message) -> Message:
        """The response start with the request id added, unless the application set one."""
        headers = message.get("headers", ())
        if not isinstance(headers, list):  # an iterator can be read only once
            headers = list(headers)
            message = {**message, "headers": headers}
        try:
            self._note_start(message, headers)
            if _id_in(headers) is None:
                echo = (_REQUEST_ID, self._exchange.request_id.encode())
                return {**message, "headers": [*headers, echo]}
        except Exception:
            self._recorder.fault()
        return message

    def _note_start(self, message: Message, headers: RawHeaders) -> None:
        """Note the first response start; a second one is the application's error."""
        exchange = self._exchange
        if exchange.status is None:
            exchange.responded_at = time.perf_counter()
            exchange.status = int(message["status"])
            exchange.response_headers = headers
            self._ends_with_trailers = message.get("trailers", False)

    def _sent(self, message: Message) -> None:
        """Note what follows the response start; servers refuse what is out of turn."""
        if self._exchange.responded_at is None or self._is_over:
            return
        kind = message["type"]
        if kind == "http.response.body":
            self._exchange.response_body.add(message.get("body", b""), self._limit)
            self._is_over = not (self._ends_with_trailers or message.get("more_body", False))
        elif kind == "http.response.trailers":
            self._is_over = not message.get("more_trailers", False)
        elif kind in ("http.response.pathsend", "http.response.zerocopysend"):
            self._exchange.sent_as_file = True
            self._is_over = not (self._ends_with_trailers or message.get("more_body", False))

    def _over(self) -> None:
        exchange = self._exchange
        exchange.complete = True
        if exchange.finished_at is None:
            try:
                self._recorder.over(exchange, self._scope)
            except Exception:
                self._recorder.fault()

    def failed(self, error: BaseException) -> None:
        """Note the exception that the application raised."""
        self._exchange.error = error_message.of_exception(error)

    def returned(self) -> None:
        """Note that the application is done."""
        try:
            self._recorder.done(self._exchange, self._scope)
        except Exception:
            self._recorder.fault()


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    sent = _id_in(headers)
    well_formed = sent is not None and _WELL_FORMED_ID.fullmatch(sent)
    return sent.decode("ascii") if sent and well_formed else new_request_id()


def _id_in(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    for name, value in headers:
        if len(name) == _LENGTH and name.lower() == _REQUEST_ID:
            return value
    return None
