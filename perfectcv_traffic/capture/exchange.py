"""The raw facts of one request, gathered on the event loop and interpreted elsewhere.

Nothing is parsed, decoded or masked here: the loop only keeps references, counts and times. The
scope itself is not kept, so that what the application put into it is freed with the request.
"""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any

RawHeaders = list[tuple[bytes, bytes]]


class Body:
    """The first bytes of a body, and how many there were in all."""

    __slots__ = ("_chunks", "_room", "size")

    def __init__(self, limit: int) -> None:
        self.size = 0
        self._room = limit
        self._chunks: list[bytes] = []

    def add(self, chunk: bytes) -> None:
        """Count a chunk and keep what still fits; a copy, so a large buffer is not kept alive."""
        self.size += len(chunk)
        if self._room > 0 and chunk:
            kept = bytes(chunk[: self._room])
            self._room -= len(kept)
            self._chunks.append(kept)

    @property
    def head(self) -> bytes:
        """The bytes kept."""
        return b"".join(self._chunks)

    @property
    def kept(self) -> int:
        """Number of bytes kept."""
        return sum(map(len, self._chunks))

    def drop(self) -> None:
        """Let go of the bytes; the size stays."""
        self._chunks, self._room = [], 0


class Exchange:
    """One request and its response, as raw as the server and the application handed them over."""

    __slots__ = (
        "client", "client_disconnected", "complete", "error", "finished_at", "headers", "matched",
        "method", "path", "path_params", "query_string", "raw_path", "received_at",
        "request_body", "request_id", "responded_at", "response_body", "response_headers",
        "root_path", "route", "route_root_path", "scheme", "server", "started_at", "status",
        "wall_clock",
    )  # fmt: skip

    def __init__(self, scope: MutableMapping[str, Any], request_id: str, body_limit: int) -> None:
        self.wall_clock = time.time()
        self.started_at = time.perf_counter()
        self.received_at: float | None = None
        self.responded_at: float | None = None
        self.finished_at: float | None = None
        self.request_id = request_id
        self.method: str = scope["method"]
        self.scheme: str = scope.get("scheme", "http")
        self.path: str = scope["path"]
        self.raw_path: bytes | None = scope.get("raw_path")
        self.root_path: str = scope.get("root_path", "")
        self.query_string: bytes = scope.get("query_string", b"")
        self.headers: RawHeaders = scope["headers"]
        self.client: tuple[str, int] | None = scope.get("client")
        self.server: tuple[str, int | None] | None = scope.get("server")
        self.request_body = Body(body_limit)
        self.response_body = Body(body_limit)
        self.response_headers: RawHeaders = []
        self.status: int | None = None
        self.error: str | None = None
        self.complete = False
        self.client_disconnected = False
        self.matched = False
        self.route: Any = None
        self.route_root_path = self.root_path
        self.path_params: dict[str, Any] = {}

    def request_message(self, message: MutableMapping[str, Any]) -> None:
        """Note what the application received."""
        if message["type"] == "http.request":
            self.request_body.add(message.get("body", b""))
            if not message.get("more_body", False):
                self.received_at = time.perf_counter()
        elif message["type"] == "http.disconnect" and not self.complete:
            self.client_disconnected = True

    def response_start(self, status: int, headers: RawHeaders) -> None:
        """Note the first response start; a second one is the application's error."""
        if self.status is None:
            self.responded_at = time.perf_counter()
            self.status = int(status)
            self.response_headers = headers

    def finish(self, scope: MutableMapping[str, Any]) -> None:
        """Note the end, and what routing left in the scope.

        A route object lives as long as the application, so keeping it holds nothing of the
        request. FastAPI that includes routers without flattening them keeps the whole template in
        a context beside the route, which knows only its own part of the path.
        """
        self.finished_at = time.perf_counter()
        self.route = scope.get("route")
        self.matched = "endpoint" in scope
        self.path_params = scope.get("path_params") or {}
        self.route_root_path = scope.get("root_path", "")
        context = (scope.get("fastapi") or {}).get("effective_route_context")
        if context is not None and getattr(context, "original_route", None) is self.route:
            self.route = context

    @property
    def size(self) -> int:
        """Bytes of memory held while waiting for the writer, about."""
        return 2_000 + self.request_body.kept + self.response_body.kept

    def drop_bodies(self) -> None:
        """Let go of both bodies' bytes; their sizes stay."""
        self.request_body.drop()
        self.response_body.drop()
