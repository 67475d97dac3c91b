"""The wire as a transport for httpx: a third of the CPU of its own, and no header refused.

httpx's own client refuses header values that a probe needs (`Bearer ` with nothing after it).
"""

from __future__ import annotations

from typing import Final

import httpx

from perfectcv_traffic.generate.reading import Reading
from perfectcv_traffic.generate.wire import Origin, Wire, WireError

READING: Final = "reading"
"""The request extension that holds the `Reading` to fill."""
_CONTROLS: Final = frozenset(range(32)) - {9} | {127}


class WireTransport(httpx.AsyncBaseTransport):
    """Sends requests of httpx over a `Wire`; each carries its `Reading` as an extension."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request; what came back is in the `Reading`."""
        reading: Reading = request.extensions[READING]
        try:
            await self._wire.exchange(
                _origin(request.url), _head(request) + request.content, reading
            )
        except WireError as failure:
            raise httpx.TransportError(str(failure)) from failure
        return httpx.Response(reading.status or 500)

    async def aclose(self) -> None:
        """Close every idle connection."""
        self._wire.close()


def _origin(url: httpx.URL) -> Origin:
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)


def _head(request: httpx.Request) -> bytes:
    lines = [b"%s %s HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
    for name, value in request.headers.raw:
        if not _CONTROLS.isdisjoint(name) or not _CONTROLS.isdisjoint(value):
            raise httpx.LocalProtocolError("a header holds a control character")
        lines.append(b"%s: %s" % (name, value))
    return b"\r\n".join([*lines, b"", b""])
