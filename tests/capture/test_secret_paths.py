"""Secrets in paths: blank wherever the record tells where a request went."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from fastapi import FastAPI, Response
from fastapi.middleware.cors import CORSMiddleware


def application() -> FastAPI:
    app = FastAPI()

    @app.get("/reset/{token}")
    def reset(token: str) -> None: ...

    @app.get("/u/{token:uuid}/x")
    def user(token: str) -> None: ...

    @app.get("/slash/{token}/")
    def slash(token: str) -> None: ...

    inner = FastAPI()

    @inner.get("/pin/{pin}")
    def pin(pin: str) -> None: ...

    app.mount("/t/{tenant}", inner)
    return app


class Copying:
    """A middleware that hands a copy of the scope on, as some do."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(dict(scope), receive, send)


UUID = "6F9619FF-8B86-D011-B42D-00CF4FC964FF"
PREFLIGHT = [(b"origin", b"http://a"), (b"access-control-request-method", b"GET")]


@pytest.mark.parametrize("middleware", [None, Copying, CORSMiddleware])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/reset/Zq7"), ("POST", "/reset/Zq7"), ("OPTIONS", "/reset/Zq7"),
        ("GET", "/reset/Zq7!%3D"), ("GET", "/slash/Zq7"), ("GET", "/reset/Zq7/"),
        ("GET", f"/u/{UUID}/x"), ("GET", "/RESET/Zq7"), ("GET", "/reset/Zq7%2Fb"),
        ("GET", "/t/acme/pin/Zq7"), ("GET", "/x;jsessionid=Zq7"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("root", ["", "/root"])
def test_secret_in_a_path_reaches_no_field(
    *,
    method: str, path: str, middleware: Any, root: str,
    monitor: Callable[..., Any], talk: Callable[..., Any], record: Callable[..., Any],
) -> None:  # fmt: skip
    app = application()
    if middleware is not None:
        app.add_middleware(middleware)
    watching = monitor(app)
    headers = [*PREFLIGHT, (b"referer", f"http://a{path}?b=1".encode())]
    talk(
        app, method, root + unquote(path),
        headers=headers, raw_path=(root + path).encode(), root_path=root,
    )  # fmt: skip
    row = record(watching)
    assert "Zq7" not in str(row)
    assert UUID not in str(row)
    assert row["path"].startswith(root + path[:2])


URL_HEADERS = [
    ("location", "/reset/Zq7?x=1", "/reset/[REDACTED]?x=1"),
    ("location", "https://h.example/slash/Zq7", "https://h.example/slash/[REDACTED]"),
    ("content-location", "/t/a/pin/Zq7#x", "/t/a/pin/[REDACTED]#x"),
    ("location", "/other/Zq7", "/other/Zq7"),
    ("location", "mailto:a", "mailto:a"),
    ("referer", "https://h.example/RESET/Zq%37", "https://h.example/RESET/[REDACTED]"),
    (
        "link",
        '</reset/Zq7>; rel="next", <http://h/slash/Zq7?page=2>; rel="last"',
        '</reset/[REDACTED]>; rel="next", <http://h/slash/[REDACTED]?page=2>; rel="last"',
    ),
    ("refresh", "5; url=/reset/Zq7", "5; url=/reset/[REDACTED]"),
    ("refresh", "0;URL='http://h/reset/Zq7'", "0;URL='http://h/reset/[REDACTED]'"),
    ("hx-current-url", "http://h/reset/Zq7", "http://h/reset/[REDACTED]"),
    ("x-original-uri", "/reset/Zq7?%70in=1", "/reset/[REDACTED]?%70in=[REDACTED]"),
]


@pytest.mark.parametrize(("name", "sent", "kept"), URL_HEADERS)
def test_secret_in_the_path_of_another_request_is_blank_in_headers(
    name: str, sent: str, kept: str,
    monitor: Callable[..., Any], talk: Callable[..., Any], record: Callable[..., Any],
) -> None:  # fmt: skip
    app = application()

    @app.get("/go")
    def go() -> Response:
        return Response(headers={name: sent})

    watching = monitor(app)
    talk(app, "GET", "/go", headers=[(name.encode(), sent.encode())])
    row = record(watching)
    assert (row["request_headers"][name], row["response_headers"][name]) == (kept, kept)
