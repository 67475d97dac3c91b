"""An API of other shapes than `seeded`: routers with prefixes, every kind of credential, OpenAPI
3.0 documents, nulls in arrays, queries and forms. Each defect can be left out: the correct twin."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Form, HTTPException, Query, Request, Security
from fastapi.responses import JSONResponse
from fastapi.security import (
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    HTTPAuthorizationCredentials,
    HTTPBasic,
    HTTPBasicCredentials,
    HTTPBearer,
    OpenIdConnect,
)
from pydantic import BaseModel

TOKEN = "opaque-token-0123456789"
KEY = "key-of-the-layouts-0123"
USER, PASSWORD = "alice", "pass-of-alice-0123"

DEFECTS = frozenset(
    {
        ("PT101", "GET", "/v2/reports/{report_id}"),
        ("PT102", "GET", "/v2/keys/query"),
        ("PT102", "GET", "/v2/keys/cookie"),
        ("PT105", "GET", "/v2/keys/header"),
        ("PT102", "GET", "/v2/basic"),
        ("PT101", "GET", "/v2/oidc"),
        ("PT105", "POST", "/v2/either"),
        ("PT106", "GET", "/v2/reports/{report_id}/pages"),
        ("PT108", "GET", "/v2/echo"),
        ("PT201", "POST", "/v2/orders"),
        ("PT201", "GET", "/v2/search"),
        ("PT201", "POST", "/v2/form"),
        ("PT202", "PATCH", "/v2/reports/{report_id}"),
        ("PT203", "GET", "/v2/reports"),
    }
)


class Line(BaseModel):
    sku: str
    note: str | None = None


class Order(BaseModel):
    lines: list[Line]


class Report(BaseModel):
    id: int
    title: str


class Change(BaseModel):
    title: str = "x"


bearer = HTTPBearer(auto_error=False, scheme_name="http")
basic = HTTPBasic(auto_error=False, scheme_name="plain")
oidc = OpenIdConnect(openIdConnectUrl="/oidc", auto_error=False, scheme_name="oidc")
head = APIKeyHeader(name="X-Tenant-Key", auto_error=False, scheme_name="head")
asked = APIKeyQuery(name="api_key", auto_error=False, scheme_name="asked")
jar = APIKeyCookie(name="session", auto_error=False, scheme_name="jar")


def build(*, is_correct: bool) -> FastAPI:
    """The API, with its defects or without."""
    app = FastAPI()
    router = APIRouter(prefix="/v2")
    wrong = not is_correct
    _add_reports(router, wrong=wrong)
    _add_keys(router, wrong=wrong)
    _add_others(router, wrong=wrong)
    _add_nulls(router, wrong=wrong)
    app.include_router(router)
    return app


def _bearer(request: Request, given: Annotated[Any, Depends(bearer)]) -> None:
    if not isinstance(given, HTTPAuthorizationCredentials) or given.credentials != TOKEN:
        raise HTTPException(401)


def _check(text: str | None, right: str, *, wrong: bool) -> None:
    if not text or (text != right and not wrong):
        raise HTTPException(403)


def _add_reports(router: APIRouter, *, wrong: bool) -> None:
    titles: dict[int, str] = {7: "first", 9: "second"}
    _add_reading(router, titles, wrong=wrong)
    _add_pages(router, titles, wrong=wrong)
    _add_changing(router, titles, wrong=wrong)


def _known(report_id: int, titles: dict[int, str]) -> None:
    if report_id not in titles:
        raise HTTPException(404)


def _signed_in(given: HTTPAuthorizationCredentials | None) -> None:
    if given is None or given.credentials != TOKEN:
        raise HTTPException(401)


def _add_reading(router: APIRouter, titles: dict[int, str], *, wrong: bool) -> None:
    @router.get("/reports", dependencies=[Depends(_bearer)], response_model=list[Report])
    def list_reports() -> Any:
        found = [{"id": key, "title": title} for key, title in titles.items()]
        return JSONResponse([*found, {"id": 11, "title": None}]) if wrong else found

    @router.get("/reports/{report_id}", response_model=Report)
    def read(
        report_id: int, given: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]
    ) -> Any:
        if not wrong:
            _signed_in(given)
        _known(report_id, titles)
        return {"id": report_id, "title": titles[report_id]}


def _add_pages(router: APIRouter, titles: dict[int, str], *, wrong: bool) -> None:
    @router.get("/reports/{report_id}/pages")
    def pages(
        report_id: int, given: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]
    ) -> list[int]:
        if wrong:
            _known(report_id, titles)
        _signed_in(given)
        _known(report_id, titles)
        return [report_id]


def _add_changing(router: APIRouter, titles: dict[int, str], *, wrong: bool) -> None:
    secured = [Depends(_bearer)]
    schema = {"$ref": "#/components/schemas/Change"}
    body = {"requestBody": {"content": {"application/json": {"schema": schema}}}}

    async def change(report_id: int, request: Request) -> dict[str, str]:
        given = await request.json()
        _known(report_id, titles)
        if not isinstance(given, dict):
            raise HTTPException(422)
        titles[report_id] = str(given.get("title"))
        return {"title": titles[report_id]}

    def change_strictly(report_id: int, change: Change) -> dict[str, str]:
        _known(report_id, titles)
        return {"title": change.title}

    path, extra = "/reports/{report_id}", body if wrong else None
    router.patch(path, dependencies=secured, openapi_extra=extra)(
        change if wrong else change_strictly
    )
    router.put("/strict/{report_id}", dependencies=secured, include_in_schema=True)(change_strictly)


def _add_keys(router: APIRouter, *, wrong: bool) -> None:
    @router.get("/keys/query")
    def by_query(key: Annotated[str | None, Security(asked)]) -> None:
        _check(key, KEY, wrong=wrong)

    @router.get("/keys/cookie")
    def by_cookie(key: Annotated[str | None, Security(jar)]) -> None:
        _check(key, KEY, wrong=wrong)

    @router.get("/keys/header")
    def by_header(request: Request, key: Annotated[str | None, Security(head)]) -> None:
        if wrong and request.headers.get("authorization") == f"Bearer {KEY}":
            return
        _check(key, KEY, wrong=False)

    @router.get("/keys/all")
    def by_all(
        key: Annotated[str | None, Security(head)], other: Annotated[str | None, Security(asked)]
    ) -> None:
        _check(key, KEY, wrong=False)
        _check(other, KEY, wrong=False)


def _add_others(router: APIRouter, *, wrong: bool) -> None:
    @router.get("/basic")
    def by_basic(given: Annotated[HTTPBasicCredentials | None, Security(basic)]) -> None:
        if given is None or (not wrong and (given.username, given.password) != (USER, PASSWORD)):
            raise HTTPException(401)

    @router.get("/oidc")
    def by_oidc(given: Annotated[str | None, Security(oidc)]) -> None:
        if not wrong and given != f"Bearer {TOKEN}":
            raise HTTPException(401)

    _add_either(router, wrong=wrong)

    @router.get("/echo", dependencies=[Depends(_bearer)])
    def echo(request: Request) -> dict[str, Any]:
        return {"debug": {"headers": [request.headers["authorization"]]}} if wrong else {}

    @router.get("/optional", openapi_extra={"security": [{"http": []}, {}]})
    def optional(page: int = 1) -> int:
        return page


def _add_either(router: APIRouter, *, wrong: bool) -> None:
    @router.post("/either")
    def either(
        request: Request,
        token: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
        key: Annotated[str | None, Security(head)],
    ) -> None:
        sent = request.headers.get("authorization", "")
        if token is not None and token.credentials == TOKEN:
            return
        if wrong and sent.split(" ")[-1] == TOKEN:
            return
        _check(key, KEY, wrong=False)


def _add_nulls(router: APIRouter, *, wrong: bool) -> None:
    secured = [Depends(_bearer)]

    @router.post("/orders", dependencies=secured)
    def order(order: Order) -> int:
        notes = [one.note for one in order.lines if "note" in one.model_fields_set]
        if wrong and None in notes:
            raise RuntimeError("a note is null")
        return len(notes)

    @router.get("/search", dependencies=secured)
    def search(tags: Annotated[list[str], Query()] = ["a"], sort: str = "name") -> int:  # noqa: B006
        return 1 // (0 if wrong and sort in ("null", "") else 1)

    @router.post("/form", dependencies=secured)
    def form(title: Annotated[str, Form()], comment: Annotated[str | None, Form()] = None) -> int:
        return 1 // (0 if wrong and comment == "null" else 1)


def as_openapi_3_0(document: dict[str, Any]) -> dict[str, Any]:
    """The document as OpenAPI 3.0 writes it: `nullable`, `allOf` around a reference."""
    told: dict[str, Any] = _nullable(document)
    return {**told, "openapi": "3.0.3"}


def _nullable(node: Any) -> Any:
    if isinstance(node, list):
        return [_nullable(one) for one in node]
    if not isinstance(node, dict):
        return node
    options = node.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        (other,) = (one for one in options if one != {"type": "null"})
        rest = {name: _nullable(part) for name, part in node.items() if name != "anyOf"}
        return {**rest, "allOf": [_nullable(other)], "nullable": True}
    return {name: _nullable(part) for name, part in node.items()}
