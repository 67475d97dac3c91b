"""Routes and special responses."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from a2wsgi import WSGIMiddleware
from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route
from starlette.staticfiles import StaticFiles

Talk = Callable[..., Any]
Setup = Callable[..., Any]
Record = Callable[[Any], dict[str, Any]]


async def plain(request: Any) -> PlainTextResponse:
    return PlainTextResponse("ok")


def application(static: Path) -> FastAPI:
    (static / "file.txt").write_text("x")
    deep, middle, outer = APIRouter(), APIRouter(), APIRouter()
    deep.add_api_route("/deep/{x}", lambda x: x)
    deep.add_api_route("/number/{n}", _number)
    middle.include_router(deep, prefix="/mid")
    outer.include_router(middle, prefix="/r1")
    sub = FastAPI()
    sub.add_api_route("/items/{iid}", lambda iid: iid)
    inner = APIRouter()
    inner.add_api_route("/q/{z}", lambda z: z)
    sub.include_router(inner, prefix="/inner")
    star = Starlette(
        routes=[Route("/p/{a}", plain), Mount("/m/{b}", routes=[Route("/z/{c}", plain)])]
    )
    app = FastAPI()
    app.add_middleware(CORSMiddleware, allow_origins=["https://x.example"])
    app.include_router(outer, prefix="/api")
    app.mount("/sub", sub)
    app.mount("/t/{tenant}", sub)
    app.mount("/static", StaticFiles(directory=static))
    app.mount("/star", star)
    app.add_route("/plain/{x}", plain)
    return app


def _number(n: int) -> int:
    return n


@pytest.mark.parametrize(
    ("method", "path", "status", "route"),
    [
        ("GET", "/api/r1/mid/deep/7", 200, "/api/r1/mid/deep/{x}"),
        ("GET", "/api/r1/mid/number/x", 422, "/api/r1/mid/number/{n}"),
        ("POST", "/api/r1/mid/deep/7", 405, "/api/r1/mid/deep/{x}"),
        ("HEAD", "/api/r1/mid/deep/7", 405, "/api/r1/mid/deep/{x}"),
        ("GET", "/nope", 404, None),
        ("GET", "/api/r1/mid/deep/7/", 307, None),
        ("GET", "/sub/items/9", 200, "/sub/items/{iid}"),
        ("GET", "/sub/inner/q/9", 200, "/sub/inner/q/{z}"),
        ("GET", "/t/acme/items/9", 200, "/t/{tenant}/items/{iid}"),
        ("GET", "/t/items/items/items", 200, "/t/{tenant}/items/{iid}"),
        ("GET", "/t/acme/inner/q/acme", 200, "/t/{tenant}/inner/q/{z}"),
        ("GET", "/static/file.txt", 200, "/static/{path}"),
        ("GET", "/static/none.txt", 404, "/static/{path}"),
        ("GET", "/docs", 200, "/docs"),
        ("GET", "/openapi.json", 200, "/openapi.json"),
        ("GET", "/sub/docs", 200, "/sub/docs"),
        ("GET", "/sub/nope", 404, None),
        ("GET", "/star/p/1", 200, "/star/p/{a}"),
        ("GET", "/star/m/2/z/3", 200, "/star/m/{b}/z/{c}"),
        ("GET", "/star/none", 404, None),
        ("GET", "/plain/4", 200, "/plain/{x}"),
        ("POST", "/plain/4", 405, "/plain/{x}"),
    ],
    ids=[
        "g1", "g1-422", "g4", "g13", "g3", "g5", "g6", "g6-included", "g7", "g7-ambiguous",
        "g7-included", "g8", "g8-missing", "g9-docs", "g9-openapi", "g9-mounted", "g10",
        "starlette", "starlette-mounted", "starlette-404", "add-route", "add-route-405",
    ],
)  # fmt: skip
def test_route_template(
    *,
    monitor: Setup, talk: Talk, record: Record, tmp_path: Path,
    method: str, path: str, status: int, route: str | None,
) -> None:  # fmt: skip
    app = application(tmp_path)
    watching = monitor(app)
    assert talk(app, method, path).status == status
    row = record(watching)
    assert (row["status_code"], row["route"]) == (status, route)
    if status == 307:
        assert row["response_headers"]["location"].endswith("/api/r1/mid/deep/7")


@pytest.mark.parametrize("given", ["/pre/api/r1/mid/deep/7", "/pre/t/acme/items/9"])
def test_g6_root_path_is_no_part_of_the_template(
    monitor: Setup, talk: Talk, record: Record, tmp_path: Path, given: str
) -> None:
    app = application(tmp_path)
    watching = monitor(app)
    assert talk(app, path=given, root_path="/pre").status == 200
    assert record(watching)["route"] in ("/api/r1/mid/deep/{x}", "/t/{tenant}/items/{iid}")


def test_g12_preflight_has_no_route(
    monitor: Setup, talk: Talk, record: Record, tmp_path: Path
) -> None:
    app = application(tmp_path)
    watching = monitor(app)
    headers = [(b"origin", b"https://x.example"), (b"access-control-request-method", b"GET")]
    assert talk(app, "OPTIONS", "/api/r1/mid/deep/7", headers=headers).status == 200
    row = record(watching)
    assert (row["method"], row["route"]) == ("OPTIONS", None)


def test_g14_custom_route_class(monitor: Setup, talk: Talk, record: Record) -> None:
    class Timed(APIRoute):
        def get_route_handler(self) -> Any:
            original = super().get_route_handler()

            async def handler(request: Request) -> Any:
                response = await original(request)
                response.headers["x-timed"] = "yes"
                return response

            return handler

    router = APIRouter(route_class=Timed)
    router.add_api_route("/x/{y}", lambda y: y)
    app = FastAPI()
    app.include_router(router, prefix="/r")
    watching = monitor(app)
    assert talk(app, path="/r/x/1").headers["x-timed"] == "yes"
    assert record(watching)["route"] == "/r/x/{y}"


@pytest.mark.parametrize("status", [HTTPStatus.ACCEPTED, 599, 999, 103])
def test_g15_g16_status_is_stored_as_sent(
    monitor: Setup, talk: Talk, record: Record, status: int
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body"})

    watching = monitor(app)
    talk(watching.app)
    row = record(watching)
    assert row["status_code"] == int(status)
    assert type(row["status_code"]) is int


def test_g17_mounted_wsgi_application(monitor: Setup, talk: Talk, record: Record) -> None:
    def wsgi(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"got ", environ["wsgi.input"].read()]

    app = FastAPI()
    mounted: Any = WSGIMiddleware(wsgi)
    app.mount("/other/{v}", mounted)
    watching = monitor(app)
    assert talk(app, "POST", "/other/1/x/y", body=b"that").body == b"got that"
    row = record(watching)
    assert row["route"] == "/other/{v}/{path}"
    assert (row["request_body"], row["response_body"]) == ("that", "got that")


@pytest.mark.parametrize(("path", "route"), [("/h/5", "/h/{x}"), ("/none", None)])
def test_g11_host_routing(
    monitor: Setup, talk: Talk, record: Record, path: str, route: str | None
) -> None:
    app = FastAPI()
    app.router.routes.append(Host("{who}.example", Starlette(routes=[Route("/h/{x}", plain)])))
    watching = monitor(app)
    talk(app, path=path)
    assert record(watching)["route"] == route
