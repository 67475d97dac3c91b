"""One exchange over httpx: an answer, or the reason why there is none.

The client adds nothing of its own to a request: no proxies or credentials from the environment, no
redirects followed, no cookies kept, for a kept session cookie would authenticate `no_token`.
"""

from __future__ import annotations

import asyncio
import time
from http.cookiejar import CookieJar, DefaultCookiePolicy
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
from perfectcv_traffic.generate.transport import READING, WireTransport
from perfectcv_traffic.generate.wire import Wire, WireError


class Sender:
    """An HTTP client for one run; use it as an async context manager."""

    def __init__(self, *, timeout: float) -> None:
        self._timeout = timeout
        self._client = httpx.AsyncClient(
            headers={"User-Agent": user_agent(), "Accept-Encoding": "identity"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            transport=WireTransport(Wire(keepalive=KEEP_ALIVE_SECONDS)),
            # One deadline for the whole exchange is kept below: httpx has them per read.
            timeout=None,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def send(self, request: WireRequest, *, limit: int = MAX_BODY_BYTES) -> Answer:
        """Send one request; at most `limit` bytes of the answer's body are read."""
        started = time.perf_counter()
        reading = Reading(request.method, limit)
        error = None
        try:
            async with asyncio.timeout(self._timeout):
                await self._perform(request, reading)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as failure:
            error = _reason(failure, self._timeout)
        return answer_of(reading, error, time.perf_counter() - started)

    async def _perform(self, request: WireRequest, reading: Reading) -> None:
        outgoing = self._client.build_request(
            request.method,
            request.url,
            headers=request.headers,
            content=request.content,
            extensions={READING: reading},
        )
        await self._client.send(outgoing)


# Fixed texts: the library's own may repeat a header value, which may be a secret.
_REASONS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (httpx.LocalProtocolError, "request cannot be sent: a header is not allowed in HTTP"),
    (httpx.InvalidURL, "request cannot be sent: its URL is not valid"),
    (ValueError, "request cannot be sent: a header or the URL cannot be encoded"),
)


def _reason(failure: BaseException, timeout: float) -> str:
    if isinstance(failure, TimeoutError):
        return f"no whole answer within {timeout:g} s"
    if isinstance(failure.__cause__, WireError):
        return str(failure.__cause__)
    for kind, text in _REASONS:
        if isinstance(failure, kind):
            return text
    return f"exchange failed ({type(failure).__name__})"
