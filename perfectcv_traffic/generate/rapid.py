"""One exchange over the bare wire, for traffic: what httpx does per request costs thrice as much.

The same requests, answers and reasons as with `send.Sender`; tests hold both to one behaviour.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from typing import Final, Self

import httpx

from perfectcv_traffic.generate.answer import (
    KEEP_ALIVE_SECONDS,
    MAX_BODY_BYTES,
    Answer,
    answer_of,
    user_agent,
)
from perfectcv_traffic.generate.encoding import WireRequest
from perfectcv_traffic.generate.reading import Reading
from perfectcv_traffic.generate.wire import Origin, Wire, WireError

_NOT_IN_HEADER: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NOT_IN_URL: Final = re.compile(r"[^\x21-\x7e]")
_ORIGIN: Final = re.compile(r"https?://[^/?#]+")
_WITH_LENGTH: Final = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True)
class _Place:
    origin: Origin
    host: str


class RapidSender:
    """A client for one run; use it as an async context manager."""

    def __init__(self, *, timeout: float) -> None:
        self._timeout = timeout
        self._wire = Wire(keepalive=KEEP_ALIVE_SECONDS)
        self._places: dict[str, _Place] = {}
        # Nothing that says what goes without saying: a header more costs a server under h11 2 µs.
        self._own = {"user-agent": user_agent()}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._wire.close()

    async def send(self, request: WireRequest, *, limit: int = MAX_BODY_BYTES) -> Answer:
        """Send one request; at most `limit` bytes of the answer's body are read."""
        started = time.perf_counter()
        reading = Reading(request.method, limit)
        error = None
        try:
            origin, payload = self._payload(request)
            async with asyncio.timeout(self._timeout):
                await self._wire.exchange(origin, payload, reading)
        except TimeoutError:
            error = f"no whole answer within {self._timeout:g} s"
        except (WireError, _UnsendableError) as failure:
            error = str(failure)
        return answer_of(reading, error, time.perf_counter() - started)

    def _payload(self, request: WireRequest) -> tuple[Origin, bytes]:
        found = _ORIGIN.match(request.url)
        if found is None:
            raise _UnsendableError("its URL is not valid")
        place = self._place(found[0])
        target = request.url[found.end() :].partition("#")[0]
        if _NOT_IN_URL.search(target):
            raise _UnsendableError("its URL is not valid")
        if not target.startswith("/"):
            target = f"/{target}"
        headers = {name.lower(): value for name, value in request.headers.items()}
        content = request.content or b""
        if content or request.method in _WITH_LENGTH:
            headers["content-length"] = str(len(content))
        lines = [
            f"{name}: {value}"
            for name, value in ({"host": place.host} | self._own | headers).items()
        ]
        return place.origin, _head(f"{request.method} {target} HTTP/1.1", lines) + content

    def _place(self, address: str) -> _Place:
        known = self._places.get(address)
        if known is None:
            url = httpx.URL(address)
            port = url.port or (443 if url.scheme == "https" else 80)
            known = _Place((url.scheme, url.host, port), url.netloc.decode("ascii"))
            self._places[address] = known
        return known


class _UnsendableError(Exception):
    def __init__(self, why: str) -> None:
        super().__init__(f"request cannot be sent: {why}")


def _head(first: str, lines: list[str]) -> bytes:
    if _NOT_IN_HEADER.search("\t".join(lines)):
        raise _UnsendableError("a header is not allowed in HTTP")
    try:
        return "\r\n".join([first, *lines, "", ""]).encode("ascii")
    except UnicodeEncodeError as error:
        raise _UnsendableError("a header or the URL cannot be encoded") from error
