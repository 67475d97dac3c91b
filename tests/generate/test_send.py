"""An exchange ends in an answer or a reason, adds nothing of its own, and takes bounded time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from perfectcv_traffic.generate.answer import Answer, user_agent
from perfectcv_traffic.generate.encoding import WireRequest
from perfectcv_traffic.generate.rapid import RapidSender
from perfectcv_traffic.generate.send import Sender

Serve = Callable[[Any], contextlib.AbstractContextManager[str]]


class Exchange:
    """Sends requests one after the other with one kind of client."""

    def __init__(self, client: type[Sender | RapidSender]) -> None:
        self.client = client

    def __call__(
        self, *requests: WireRequest, timeout: float = 10.0, limit: int = 1000
    ) -> list[Answer]:
        async def perform() -> list[Answer]:
            async with self.client(timeout=timeout) as sender:
                return [await sender.send(request, limit=limit) for request in requests]

        return asyncio.run(perform())


@pytest.fixture(params=[Sender, RapidSender])
def exchange(request: pytest.FixtureRequest) -> Exchange:
    return Exchange(request.param)


def _get(url: str, **headers: str) -> WireRequest:
    return WireRequest(method="GET", path="/", url=url, headers=headers)


def _echo_app() -> FastAPI:
    app = FastAPI()

    @app.get("/headers")
    def read_headers(request: Request, response: Response) -> dict[str, str]:
        response.set_cookie("session", "x")
        return dict(request.headers)

    @app.get("/redirect")
    def redirect() -> RedirectResponse:
        return RedirectResponse("/headers")

    @app.get("/endless")
    def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"first"
            await asyncio.Event().wait()

        return StreamingResponse(parts())

    @app.get("/large")
    def large() -> Response:
        return Response(b"x" * 5000)

    return app


def test_answer_has_status_headers_body_and_time(exchange: Exchange, serve: Serve) -> None:
    with serve(_echo_app()) as url:
        (answer,) = exchange(_get(f"{url}/headers", A="b"))
    assert (answer.status, answer.error, answer.is_whole) == (200, None, True)
    assert answer.headers["content-type"] == "application/json"
    assert b'"a":"b"' in answer.body
    assert answer.seconds > 0


def test_nothing_is_sent_but_what_the_request_holds(
    exchange: Exchange, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with serve(_echo_app()) as url:
        _, second = exchange(_get(f"{url}/headers"), _get(f"{url}/headers"))
    assert user_agent().encode() in second.body
    assert user_agent().startswith("perfectcv-traffic/")
    assert b"cookie" not in second.body
    assert b"authorization" not in second.body


def test_redirect_is_an_answer(exchange: Exchange, serve: Serve) -> None:
    with serve(_echo_app()) as url:
        (answer,) = exchange(_get(f"{url}/redirect"))
    assert answer.status == 307


def test_body_is_read_up_to_the_limit(exchange: Exchange, serve: Serve) -> None:
    with serve(_echo_app()) as url:
        cut, following = exchange(_get(f"{url}/large"), _get(f"{url}/headers"), limit=1000)
    assert (cut.status, cut.error, cut.is_whole) == (200, None, False)
    assert cut.body == b"x" * 1000
    assert following.status == 200


def test_answer_that_does_not_end_keeps_its_status(exchange: Exchange, serve: Serve) -> None:
    with serve(_echo_app()) as url:
        (answer,) = exchange(_get(f"{url}/endless"), timeout=1.0)
    assert (answer.status, answer.body) == (200, b"first")
    assert answer.error == "no whole answer within 1 s"


RawServer = Callable[[bytes | None], str]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(b"", "connection closed without an answer", id="closed"),
        pytest.param(b"garbage\r\n\r\n", "answer is not valid HTTP", id="garbage"),
        pytest.param(None, "no whole answer within 0.2 s", id="silent"),
    ],
)
def test_failed_exchange_says_why(
    exchange: Exchange, raw_server: RawServer, answer: bytes | None, error: str
) -> None:
    (got,) = exchange(_get(raw_server(answer)), timeout=0.2 if answer is None else 10)
    assert (got.status, got.error, got.body) == (None, error, b"")


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n1_0\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n",
    ],
    ids=["5000 digits", "negative", "0x", "underscore"],
)
def test_length_that_is_none_is_no_http(
    exchange: Exchange, raw_server: RawServer, framing: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (got,) = exchange(_get(raw_server(b"HTTP/1.1 200 OK\r\n" + framing)))

    assert got.error == "answer is not valid HTTP"
    assert not got.is_whole
    assert caplog.text == ""


def test_answer_that_breaks_off_keeps_its_status(exchange: Exchange, raw_server: RawServer) -> None:
    (got,) = exchange(_get(raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")))
    assert (got.status, got.body, got.is_whole) == (200, b"abc", False)
    assert got.error == "answer is not valid HTTP"


def test_refused_connection_says_so(exchange: Exchange, closed_address: str) -> None:
    (got,) = exchange(_get(closed_address))
    assert got.error == "connection refused"


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        pytest.param(
            "/",
            "s3cret\r\n",
            "request cannot be sent: a header is not allowed in HTTP",
            id="line-end",
        ),
        pytest.param(
            "/",
            "s3€ret",
            "request cannot be sent: a header or the URL cannot be encoded",
            id="euro",
        ),
        pytest.param("/\n", "a", "request cannot be sent: its URL is not valid", id="url"),
    ],
)
def test_request_that_http_cannot_carry_is_a_reason_without_its_values(
    exchange: Exchange, serve: Serve, path: str, value: str, error: str
) -> None:
    with serve(_echo_app()) as url:
        (got,) = exchange(_get(url + path, A=value))
    assert (got.status, got.error) == (None, error)
