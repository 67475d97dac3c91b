"""One exchange over httpx: an answer, or the reason why there is none.

The client adds nothing of its own to a request: no proxies or credentials from the environment, no
redirects followed, no cookies kept, for a kept session cookie would authenticate `no_token`.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, Self

import httpx

from perfectcv_traffic.generate.encoding import WireRequest
from perfectcv_traffic.generate.wire import WireTransport

MAX_BODY_BYTES = 1_048_576
KEEP_ALIVE_SECONDS = 2.0
"""Below the 5 s after which uvicorn closes an idle connection, so that none is lost to a race."""

_SERVER_ERRORS: Final = range(500, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. Either `status` or `error` is there; both when the body broke off."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    is_whole: bool = False
    """The body was read to its end."""
    error: str | None = None
    seconds: float


class Sender:
    """An HTTP client for one run; use it as an async context manager."""

    def __init__(self, *, timeout: float) -> None:
        self._timeout = timeout
        self._client = httpx.AsyncClient(
            headers={"User-Agent": user_agent(), "Accept-Encoding": "identity"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            transport=WireTransport(keepalive=KEEP_ALIVE_SECONDS),
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
        exchange = _Exchange(self._client, limit)
        error = None
        try:
            async with asyncio.timeout(self._timeout):
                await exchange.perform(request)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as failure:
            error = _reason(failure, self._timeout)
        response = exchange.response
        return Answer(
            status=response.status_code if response is not None else None,
            headers=response.headers if response is not None else {},
            body=bytes(exchange.body),
            is_whole=exchange.is_whole,
            error=error,
            seconds=time.perf_counter() - started,
        )


def user_agent() -> str:
    """The `User-Agent` of test traffic."""
    return f"perfectcv-traffic/{importlib.metadata.version('perfectcv-traffic')}"


class _Exchange:
    """One exchange, of which what has arrived stays known when it fails."""

    def __init__(self, client: httpx.AsyncClient, limit: int) -> None:
        self._client = client
        self._limit = limit
        self.response: httpx.Response | None = None
        self.body = bytearray()
        self.is_whole = False

    async def perform(self, request: WireRequest) -> None:
        outgoing = self._client.build_request(
            request.method, request.url, headers=request.headers, content=request.content
        )
        self.response = await self._client.send(outgoing, stream=True)
        try:
            async for chunk in self.response.aiter_raw():
                self.body += chunk[: self._limit - len(self.body)]
                if len(self.body) >= self._limit:
                    return
            self.is_whole = True
        finally:
            connection = self.response.extensions.get("network_stream")
            if self.response.status_code in _SERVER_ERRORS and connection is not None:
                # uvicorn closes the connection after an exception but does not say so: the next
                # request on it would be lost, or not, by chance.
                await connection.aclose()
            await self.response.aclose()


# Fixed texts: the library's own may repeat a header value, which may be a secret.
_REASONS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (ConnectionRefusedError, "connection refused"),
    (ConnectionResetError, "connection reset"),
    (httpx.LocalProtocolError, "request cannot be sent: a header is not allowed in HTTP"),
    (httpx.InvalidURL, "request cannot be sent: its URL is not valid"),
    (httpx.ConnectError, "no connection"),
    (httpx.RemoteProtocolError, "answer is not valid HTTP"),
    (httpx.NetworkError, "connection broke"),
    (ValueError, "request cannot be sent: a header or the URL cannot be encoded"),
)
_CLOSED_WITHOUT_ANSWER: Final = "Server disconnected"


def _reason(failure: BaseException, timeout: float) -> str:
    if isinstance(failure, TimeoutError):
        return f"no whole answer within {timeout:g} s"
    if str(failure).startswith(_CLOSED_WITHOUT_ANSWER):
        return "connection closed without an answer"
    causes = tuple(_causes(failure))
    for kind, text in _REASONS:
        if any(isinstance(cause, kind) for cause in causes):
            return text
    return f"exchange failed ({type(failure).__name__})"


def _causes(failure: BaseException | None) -> Iterator[BaseException]:
    while failure is not None:
        yield failure
        failure = failure.__cause__ or failure.__context__
