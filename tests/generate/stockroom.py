"""An API with keys instead of tokens: a key for the whole application, a JWT in a cookie, basic
credentials, forms and files, several bodies, natural keys, answers in an envelope, own errors."""

from __future__ import annotations

import base64
import time
from decimal import Decimal
from typing import Annotated, Any

import jwt
from fastapi import Body, Depends, FastAPI, File, Form, HTTPException, Path, Request, UploadFile
from fastapi.responses import JSONResponse
from fastapi.security import (
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    HTTPBasic,
    HTTPBasicCredentials,
)
from pydantic import BaseModel, Field

from perfectcv_traffic.generate.credentials import Credentials

SECRET = "signing-secret-of-the-stockroom-0123456789"
KEY, FEED_KEY = "key-of-the-stockroom-0123456789", "key-of-the-feed-0123456789"
USER, PASSWORD = "keeper", "password-of-the-keeper-0123"

DEFECTS = {
    "any key will do": ("PT102", "GET", "/goods/"),
    "key is not needed": ("PT101", "GET", "/goods/{sku}"),
    "key as a bearer token": ("PT105", "POST", "/goods/"),
    "key of the query is any": ("PT102", "GET", "/feeds/stock.csv"),
    "session is not verified": ("PT104", "GET", "/account/"),
    "session does not expire": ("PT103", "GET", "/account/baskets"),
    "password is not compared": ("PT102", "GET", "/reports/daily"),
    "empty credentials will do": ("PT105", "GET", "/reports/weekly"),
    "known before the check": ("PT106", "GET", "/goods/{sku}/prices"),
    "error instead of a refusal": ("PT106", "PUT", "/goods/{sku}"),
    "key comes back": ("PT108", "GET", "/goods/{sku}/history"),
    "note of a form": ("PT201", "POST", "/account/baskets"),
    "one of several bodies": ("PT201", "POST", "/transfers/"),
    "null in a list": ("PT201", "POST", "/goods/bulk"),
    "price may be nothing": ("PT202", "POST", "/prices/"),
    "price is nothing": ("PT203", "GET", "/prices/"),
}

house = APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="house")
feed = APIKeyQuery(name="key", auto_error=False, scheme_name="feed")
jar = APIKeyCookie(name="session", auto_error=False, scheme_name="jar")
basic = HTTPBasic(auto_error=False, scheme_name="desk")


class Good(BaseModel):
    sku: str = Field(pattern=r"^[A-Z]{3}-\d{4}$")
    title: str
    price: Decimal = Field(default=Decimal("1.0"), ge=0)
    tags: list[str] = []


class Line(BaseModel):
    sku: str
    count: int = Field(default=1, ge=1)
    remark: str | None = None


class Price(BaseModel):
    label: str
    cents: int


def session(*, exp: int | None = None) -> str:
    """A signed session cookie."""
    claims = {"sub": "keeper", "exp": int(time.time()) + 3600 if exp is None else exp}
    return jwt.encode(claims, SECRET, algorithm="HS256")


def credentials() -> Credentials:
    """What each scheme takes."""
    return Credentials(
        username=USER,
        password=PASSWORD,
        by_scheme={"house": KEY, "feed": FEED_KEY, "jar": session()},
        jwt_secret=SECRET,
    )


def build(wrong: frozenset[str] = frozenset(DEFECTS)) -> FastAPI:
    """The API with these defects."""
    app = FastAPI()
    goods: dict[str, dict[str, Any]] = {
        "ABC-0001": {"sku": "ABC-0001", "title": "bolt", "price": 1.5, "tags": []},
        "ABC-0002": {"sku": "ABC-0002", "title": "nut", "price": 0.5, "tags": ["small"]},
    }
    _add_errors(app)
    _add_goods(app, goods, wrong)
    _add_goods_of_one(app, goods, wrong)
    _add_account(app, wrong)
    _add_desk(app, wrong)
    _add_weekly(app, wrong)
    _add_feed(app, wrong)
    _add_movements(app, goods, wrong)
    return app


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(HTTPException)
    async def told(request: Request, error: HTTPException) -> JSONResponse:
        body = {"success": False, "error": {"message": str(error.detail)}}
        return JSONResponse(body, error.status_code)


def _key(flaw: str = "") -> Any:
    def check(request: Request, key: Annotated[str | None, Depends(house)]) -> None:
        if flaw == "none" and key is None:
            return
        if flaw == "bearer" and request.headers.get("authorization", "").endswith(KEY):
            return
        if flaw == "crash":
            key = key + ""  # type: ignore[operator]  # the defect
        if not key or (key != KEY and flaw != "any"):
            raise HTTPException(403, "wrong key")

    return Depends(check)


def _session(flaw: str = "") -> Any:
    def check(request: Request, text: Annotated[str | None, Depends(jar)]) -> None:
        options = jwt.types.Options(
            verify_signature=flaw != "signature", verify_exp=flaw != "expiry"
        )
        try:
            jwt.decode(text or "", SECRET, algorithms=["HS256"], options=options)
        except jwt.PyJWTError as error:
            raise HTTPException(401) from error

    return Depends(check)


def _flaw(wrong: frozenset[str], defect: str, flaw: str) -> str:
    return flaw if defect in wrong else ""


def _wrapped(data: Any) -> dict[str, Any]:
    return {"success": True, "data": data}


def _add_goods(app: FastAPI, goods: dict[str, dict[str, Any]], wrong: frozenset[str]) -> None:
    any_key = _key(_flaw(wrong, "any key will do", "any"))

    @app.get("/goods/", dependencies=[any_key])
    def list_goods(q: str | None = None) -> dict[str, Any]:
        return _wrapped({"rows": list(goods.values()), "next": None})

    bearer = _key(_flaw(wrong, "key as a bearer token", "bearer"))

    @app.post("/goods/", status_code=201, dependencies=[bearer])
    def add_good(good: Good) -> dict[str, Any]:
        if good.sku in goods:
            raise HTTPException(409, "known")
        goods[good.sku] = good.model_dump(mode="json")
        return _wrapped(goods[good.sku])

    @app.post("/goods/bulk", dependencies=[_key()])
    def add_tags(tags: dict[str, list[str | None]]) -> dict[str, Any]:
        if "null in a list" in wrong:
            return _wrapped(sorted(len(one) for many in tags.values() for one in many))  # type: ignore[arg-type]  # the defect
        return _wrapped(len(tags))


Sku = Annotated[str, Path(pattern=r"^[A-Z]{3}-\d{4}$")]


def _add_goods_of_one(
    app: FastAPI, goods: dict[str, dict[str, Any]], wrong: frozenset[str]
) -> None:
    def known(sku: Sku) -> dict[str, Any]:
        if sku not in goods:
            raise HTTPException(404)
        return goods[sku]

    no_key = _key(_flaw(wrong, "key is not needed", "none"))

    @app.get("/goods/{sku}", dependencies=[no_key])
    def read_good(sku: Sku) -> dict[str, Any]:
        return _wrapped(known(sku))

    crash = _key(_flaw(wrong, "error instead of a refusal", "crash"))

    @app.put("/goods/{sku}", dependencies=[crash])
    def change_good(sku: Sku, good: Good) -> dict[str, Any]:
        known(sku)
        return _wrapped(good.model_dump(mode="json"))

    order = [Depends(known), _key()]

    @app.get(
        "/goods/{sku}/prices",
        dependencies=order if "known before the check" in wrong else order[::-1],
    )
    def read_prices(sku: Sku) -> dict[str, Any]:
        return _wrapped([known(sku)["price"]])

    @app.get("/goods/{sku}/history", dependencies=[_key()])
    def read_history(sku: Sku, request: Request) -> dict[str, Any]:
        by = request.headers["x-api-key"] if "key comes back" in wrong else KEY[:4]
        return _wrapped([{"sku": known(sku)["sku"], "by": by}])


def _add_account(app: FastAPI, wrong: frozenset[str]) -> None:
    signature = _session(_flaw(wrong, "session is not verified", "signature"))

    @app.get("/account/", dependencies=[signature])
    def account(request: Request) -> JSONResponse:
        answer = JSONResponse(_wrapped({"name": USER}))
        answer.set_cookie("session", request.cookies["session"], httponly=True)  # it slides
        return answer

    expiry = _session(_flaw(wrong, "session does not expire", "expiry"))

    @app.get("/account/baskets", dependencies=[expiry])
    def baskets() -> dict[str, Any]:
        return _wrapped([])

    @app.post("/account/baskets", dependencies=[_session()])
    def add_basket(
        name: Annotated[str, Form(min_length=1)], note: Annotated[str, Form()] = ""
    ) -> dict[str, Any]:
        if "note of a form" in wrong and note == "null":
            raise ValueError(note)
        return _wrapped({"name": name})

    @app.post("/account/picture", dependencies=[_session()])
    def picture(file: Annotated[UploadFile, File()], title: Annotated[str, Form()]) -> Any:
        return _wrapped({"title": title, "size": file.size})


def _desk(flaw: str) -> Any:
    def check(given: Annotated[HTTPBasicCredentials | None, Depends(basic)]) -> None:
        if given is None:
            raise HTTPException(401, headers={"WWW-Authenticate": "Basic"})
        if (given.username, given.password) != (USER, PASSWORD) and flaw != "any":
            raise HTTPException(401, headers={"WWW-Authenticate": "Basic"})

    return Depends(check)


def _add_desk(app: FastAPI, wrong: frozenset[str]) -> None:
    @app.get(
        "/reports/daily", dependencies=[_desk(_flaw(wrong, "password is not compared", "any"))]
    )
    def daily() -> dict[str, Any]:
        return _wrapped([])


def _add_weekly(app: FastAPI, wrong: frozenset[str]) -> None:
    def weekly_check(request: Request) -> None:
        sent = request.headers.get("authorization", "")
        if sent.strip() == "Basic" and "empty credentials will do" in wrong:
            return
        right = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if sent != f"Basic {right}":
            raise HTTPException(401)

    @app.get(
        "/reports/weekly",
        dependencies=[Depends(weekly_check)],
        openapi_extra={"security": [{"desk": []}]},
    )
    def weekly() -> dict[str, Any]:
        return _wrapped([])


def _add_feed(app: FastAPI, wrong: frozenset[str]) -> None:
    def by_feed(key: Annotated[str | None, Depends(feed)]) -> None:
        if not key or (key != FEED_KEY and "key of the query is any" not in wrong):
            raise HTTPException(401)

    @app.get("/feeds/stock.csv", dependencies=[Depends(by_feed)])
    def stock() -> str:
        return "sku;count"


def _add_movements(app: FastAPI, goods: dict[str, dict[str, Any]], wrong: frozenset[str]) -> None:
    @app.post("/transfers/", dependencies=[_key()])
    def transfer(
        line: Line, target: Annotated[str, Body()], urgency: Annotated[int, Body(ge=0)] = 1
    ) -> dict[str, Any]:
        if "one of several bodies" in wrong and "remark" in line.model_fields_set:
            line.remark.lower()  # type: ignore[union-attr]  # the defect
        return _wrapped({"target": target, "urgency": urgency})

    @app.get("/prices/", dependencies=[_key()], response_model=list[Price])
    def list_prices() -> Any:
        found = [{"label": "bolt", "cents": 150}, {"label": "nut", "cents": 50}]
        if "price is nothing" in wrong:
            return JSONResponse([found[0], {**found[1], "cents": None}])
        return found

    def add_price(price: Price) -> Price:
        return price

    async def add_any_price(request: Request) -> dict[str, Any]:
        given = await request.json()
        if not isinstance(given, dict) or not isinstance(given.get("label"), str):
            raise HTTPException(422)
        return {"label": given["label"], "cents": given.get("cents") or 0}

    content = {"application/json": {"schema": Price.model_json_schema()}}
    is_wrong = "price may be nothing" in wrong
    extra = {"requestBody": {"content": content, "required": True}} if is_wrong else None
    app.post("/prices/", dependencies=[_key()], openapi_extra=extra)(
        add_any_price if is_wrong else add_price
    )
