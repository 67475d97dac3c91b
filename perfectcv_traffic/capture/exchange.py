"""The raw facts of one request, gathered on the event loop and interpreted elsewhere.

Nothing is parsed, decoded or masked here: the loop only keeps references, counts and times. The
scope itself is not kept, so that what the application put into it is freed with the request.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, MutableMapping
from types import MappingProxyType
from typing import Any

RawHeaders = list[tuple[bytes, bytes]]

OVERHEAD_BYTES = 2_000
"""Memory of an exchange without its bodies, about."""


class Body:
    """The first bytes of a body, and how many there were in all."""

    __slots__ = ("_chunks", "_limit", "kept", "size")

    def __init__(self, limit: int) -> None:
        self.size = 0
        self.kept = 0
        self._limit = limit
        self._chunks: list[bytes] = []

    def add(self, chunk: bytes) -> None:
        """Count a chunk and keep what still fits; a copy, so a large buffer is not kept alive."""
        self.size += len(chunk)
        room = self._limit - self.kept
        if room > 0 and chunk:
            part = bytes(chunk[:room])
            self.kept += len(part)
            self._chunks.append(part)

    @property
    def head(self) -> bytes:
        """The bytes kept."""
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)

    def drop(self) -> None:
        """Let go of the bytes; the size stays."""
        self._chunks, self.kept, self._limit = [], 0, 0


class Exchange:
    """One request and its response, as raw as the server and the application handed them over."""

    received_at: float | None = None
    responded_at: float | None = None
    finished_at: float | None = None
    response_headers: RawHeaders | tuple[()] = ()
    status: int | None = None
    error: str | None = None
    has_trailers = False
    sent_as_file = False
    bodies_dropped = False
    final = False
    """The application handed over the last message of its response."""
    complete = False
    """The server took that message."""
    client_disconnected = False
    answered_nobody = False
    """The client had left before the response started."""
    held = False
    """It was handed over before the application was done: background tasks may still fail."""
    taken = False
    """The writer did not wait any longer: what happens now is too late for the record."""
    matched = False
    route: Any = None
    path_params: Mapping[str, Any] = MappingProxyType({})
    scope: MutableMapping[str, Any] | None = None
    """Kept only for an application that enriches its records."""

    def __init__(self, scope: MutableMapping[str, Any], request_id: str, body_limit: int) -> None:
        self.wall_clock = time.time()
        self.started_at = time.perf_counter()
        self.request_id = request_id
        self.method: str = scope["method"]
        self.scheme: str = scope.get("scheme", "http")
        self.http_version: str | None = scope.get("http_version")
        self.path: str = scope["path"]
        self.raw_path: bytes | None = scope.get("raw_path")
        self.root_path: str = scope.get("root_path", "")
        self.route_root_path = self.root_path
        self.query_string: bytes = scope.get("query_string", b"")
        self.headers: RawHeaders = scope["headers"]
        self.client: tuple[str, int] | None = scope.get("client")
        self.server: tuple[str, int | None] | None = scope.get("server")
        self.request_body = Body(body_limit)
        self.response_body = Body(body_limit)

    def request_message(self, message: MutableMapping[str, Any]) -> None:
        """Note what the application received."""
        if message["type"] == "http.request":
            self.request_body.add(message.get("body", b""))
            if not message.get("more_body", False):
                self.received_at = time.perf_counter()
        elif message["type"] == "http.disconnect" and not self.final:
            self.client_disconnected = True
            self.answered_nobody = self.status is None

    def response_start(self, message: MutableMapping[str, Any], headers: RawHeaders) -> None:
        """Note the first response start; a second one is the application's error."""
        if self.status is None:
            self.responded_at = time.perf_counter()
            self.status = int(message["status"])
            self.response_headers = headers
            self.has_trailers = message.get("trailers", False)

    def response_message(self, message: MutableMapping[str, Any]) -> None:
        """Note what follows the response start."""
        kind = message["type"]
        if kind == "http.response.body":
            self.response_body.add(message.get("body", b""))
            self.final = not (self.has_trailers or message.get("more_body", False))
        elif kind == "http.response.trailers":
            self.final = not message.get("more_trailers", False)
        elif kind in ("http.response.pathsend", "http.response.zerocopysend"):
            self.sent_as_file = True
            self.final = not (self.has_trailers or message.get("more_body", False))

    def finish(self, scope: MutableMapping[str, Any]) -> None:
        """Note the end, and what routing left in the scope.

        A route object lives as long as the application, so keeping it holds nothing of the
        request. FastAPI that includes routers without flattening them keeps the whole template in
        a context beside the route, which knows only its own part of the path.
        """
        self.finished_at = time.perf_counter()
        self.route = scope.get("route")
        self.matched = "endpoint" in scope
        self.path_params = scope.get("path_params") or self.path_params
        self.route_root_path = scope.get("root_path", "")
        context = (scope.get("fastapi") or {}).get("effective_route_context")
        if context is not None and getattr(context, "original_route", None) is self.route:
            self.route = context

    @property
    def size(self) -> int:
        """Bytes of memory held while waiting for the writer, about."""
        return OVERHEAD_BYTES + self.request_body.kept + self.response_body.kept

    def drop_bodies(self) -> None:
        """Let go of both bodies' bytes; their sizes stay."""
        self.bodies_dropped = True
        self.request_body.drop()
        self.response_body.drop()
