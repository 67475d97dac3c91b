"""The raw facts of one request, gathered on the event loop and interpreted elsewhere.

Nothing is parsed, decoded or masked here: the loop only keeps references, counts and times. It is
plain data, which can be sent to another process. It holds secrets: for memory and pipes, never for
a file.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Literal, NamedTuple, cast

import msgspec

RawHeaders = list[tuple[bytes, bytes]]

OVERHEAD_BYTES = 2_000
"""Memory of an exchange without its bodies, about."""


class Declared(NamedTuple):
    """A credential that a route asks for: a security scheme, in OpenAPI's words."""

    location: Literal["header", "query", "cookie"]
    name: str
    """Name of the header, query parameter or cookie; lower-case for a header."""
    scheme: str
    """bearer, basic, digest or api_key."""


class Body(msgspec.Struct, array_like=True, gc=False):
    """The first bytes of a body, and how many there were in all."""

    head: bytes = b""
    """While it is gathered from several chunks, a bytearray: cheap to add to, sent as bytes."""
    size: int = 0

    def add(self, chunk: bytes, limit: int) -> None:
        """Count a chunk and keep what fits; a copy, so that a large buffer is not kept alive."""
        self.size += len(chunk)
        room = limit - len(self.head)
        if room <= 0 or not chunk:
            return
        if not self.head:
            self.head = bytes(chunk[:room])
            return
        if type(self.head) is bytes:
            self.head = cast("bytes", bytearray(self.head))
        self.head += chunk[:room]

    @property
    def kept(self) -> int:
        """How many of its bytes were kept."""
        return len(self.head)


class Exchange(msgspec.Struct, array_like=True, gc=False):
    """One request and its response, as raw as the server and the application handed them over.

    No part of a cycle: hundreds of them wait, and the collector would look at each again and again.
    """

    request_id: str
    event_id: str
    wall_clock: float
    started_at: float
    method: str
    scheme: str
    http_version: str | None
    path: str
    raw_path: bytes | None
    root_path: str
    query_string: bytes
    headers: RawHeaders
    client: tuple[str, int] | None
    server: tuple[str, int | None] | None
    request_body: Body
    response_body: Body
    received_at: float | None = None
    responded_at: float | None = None
    finished_at: float | None = None
    response_headers: RawHeaders = []
    status: int | None = None
    error: str | None = None
    sent_as_file: bool = False
    bodies_dropped: bool = False
    complete: bool = False
    """The server took the last message of the response."""
    client_disconnected: bool = False
    answered_nobody: bool = False
    """The client had left before the response started."""
    route: str | None = None
    """Full template of the matched route."""
    declared: tuple[Declared, ...] | None = None
    """The credentials that the route asks for; None when it cannot tell."""
    path_params: dict[str, str] = {}
    resembled: str | None = None
    """Template of a route like whose paths this one is, where none matched: says what is secret."""
    templates: tuple[str, ...] = ()
    """Templates with parameters of the application's routes, told with the first exchange."""
    scope: Any = None
    """Kept only for an application that enriches its records; never sent anywhere."""

    @property
    def size(self) -> int:
        """Bytes of memory held while waiting for the writer, about."""
        return OVERHEAD_BYTES + len(self.request_body.head) + len(self.response_body.head)

    def drop_bodies(self) -> None:
        """Let go of both bodies' bytes; their sizes stay."""
        self.bodies_dropped = True
        self.request_body.head = self.response_body.head = b""


def begin(
    scope: MutableMapping[str, Any], request_id: str, event_id: str, times: tuple[float, float]
) -> Exchange:
    """An exchange that begins at `times`, by the wall clock and by the one for durations."""
    get = scope.get
    return Exchange(
        request_id,
        event_id,
        *times,
        scope["method"],
        get("scheme", "http"),
        get("http_version"),
        scope["path"],
        get("raw_path"),
        get("root_path", ""),
        get("query_string", b""),
        list(scope["headers"]),  # some middleware adds to them: these are the client's
        get("client"),
        get("server"),
        Body(),
        Body(),
    )
