"""An API with a defect of every class on operations that a seed chooses, and its correct twin."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Annotated, Any

import jwt
from fastapi import Body, Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse
from fastapi.security import APIKeyHeader, OAuth2PasswordBearer, SecurityScopes
from pydantic import BaseModel, Field

SECRET = "the-signing-secret-of-the-seeded-target"
KEY = "the-api-key-of-the-seeded-target"
SLOW_SECONDS = 0.3

NOUNS = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf")
REMOVABLE = ("alpha", "bravo")
PARTS = ("list", "read", "create", "change", "search")
CLASSES = "ABCDEFGHIJKL"

bearer = OAuth2PasswordBearer(tokenUrl="token", auto_error=False)
key_header = APIKeyHeader(name="X-API-Key", auto_error=False)


class Maker(BaseModel):
    """Part of a thing."""

    name: str
    nickname: str | None = None


class Thing(BaseModel):
    """What a client writes."""

    title: str = Field(min_length=1)
    count: int = 1
    note: str | None = None
    maker: Maker
    tags: list[str] = []


class Stored(Thing):
    """What a client reads."""

    id: int


def token(*, role: str = "admin", exp: int | None = None, secret: str = SECRET) -> str:
    """A signed token."""
    claims = {"sub": "1", "role": role, "exp": int(time.time()) + 3600 if exp is None else exp}
    return jwt.encode(claims, secret, algorithm="HS256")


def plant(seed: int) -> dict[str, str]:
    """The operation of each class of defect, by letter; `K` and the others lie apart."""
    rng = Random(seed)
    spots = [f"{noun}.{part}" for noun in NOUNS for part in PARTS]
    spots += [f"{noun}.remove" for noun in REMOVABLE]
    anywhere = (*PARTS, "remove")
    fitting: dict[str, tuple[str, ...]] = {
        "E": ("create", "change", "search"),
        "F": ("create", "change"),
        "G": ("read", "search"),
        "H": ("list", "read", "create", "search"),
        "I": PARTS,
        "K": ("search",),
    }
    chosen: dict[str, str] = {"L": f"admin.{rng.choice(('users', 'audit'))}"}
    for letter in sorted(set(CLASSES) - {"L"}, key=lambda one: len(fitting.get(one, anywhere))):
        free = [
            spot
            for spot in spots
            if spot not in chosen.values() and spot.split(".")[1] in fitting.get(letter, anywhere)
        ]
        chosen[letter] = rng.choice(free)
    return chosen


def expected(seed: int) -> set[tuple[str, str]]:
    """The findings to come: class letter and operation."""
    return {(letter, operation_of(spot)) for letter, spot in plant(seed).items()}


def operation_of(spot: str) -> str:
    """A spot as method and path."""
    noun, part = spot.split(".")
    if noun == "admin":
        return f"GET /admin/{part}"
    methods = {"create": "POST", "change": "PUT", "remove": "DELETE"}
    paths = {"read": f"/{noun}s/{{{noun}_id}}", "search": f"/{noun}s/search"}
    path = paths.get(part, f"/{noun}s")
    return f"{methods.get(part, 'GET')} {paths['read'] if part in ('change', 'remove') else path}"


def build(seed: int | None) -> FastAPI:
    """The API of a seed; without one, the correct twin."""
    app = FastAPI()
    defects = {} if seed is None else {spot: letter for letter, spot in plant(seed).items()}
    for noun in NOUNS:
        _add_noun(
            app, noun, {part: defects.get(f"{noun}.{part}", "") for part in (*PARTS, "remove")}
        )
    for part in ("users", "audit"):
        _add_admin(app, part, defects.get(f"admin.{part}", ""))
    _add_keyed(app)
    return app


def _claims(text: str | None, letter: str) -> dict[str, Any]:
    if text is None and letter == "A":
        return {"role": "admin"}
    if not text:
        raise HTTPException(401)
    if letter == "B":
        return {"role": "user"}
    options = jwt.types.Options(verify_exp=letter != "C", verify_signature=letter != "D")
    try:
        return jwt.decode(text, SECRET, algorithms=["HS256"], options=options)
    except jwt.PyJWTError as error:
        raise HTTPException(401) from error


def _guard(letter: str) -> Callable[..., dict[str, Any]]:
    """The dependency that checks a token, or fails to."""

    def check(
        request: Request, scopes: SecurityScopes, text: Annotated[str | None, Depends(bearer)]
    ) -> dict[str, Any]:
        header = request.headers.get("authorization")
        if letter == "J" and header:
            text = header.split()[-1]  # whatever the scheme
        if letter == "H" and not header:
            raise HTTPException(422 if request.method == "POST" else 404)
        claims = _claims(text, letter)
        if scopes.scopes and letter != "L" and claims["role"] != "admin":
            raise HTTPException(403)
        return claims

    return check


def _answer(thing: dict[str, Any], letter: str, request: Request) -> Any:
    if letter == "G":
        return JSONResponse({**thing, "title": None})
    if letter == "I":
        sent = request.headers.get("authorization", "")
        return JSONResponse(thing, headers={"X-Debug": sent})
    return thing


async def _thing(request: Request) -> dict[str, Any]:
    body = await request.json()
    return body if isinstance(body, dict) else {}


def _add_noun(app: FastAPI, noun: str, letters: dict[str, str]) -> None:
    first = {"id": 1, "title": "first", "count": 1, "note": None, "tags": []}
    store: dict[int, dict[str, Any]] = {1: {**first, "maker": {"name": "m", "nickname": None}}}
    guard = {part: [Depends(_guard(one))] for part, one in letters.items()}
    _add_reads(app, noun, store, guard, letters)
    _add_search(app, noun, store, guard["search"], letters["search"])
    _add_write(app, f"/{noun}s", "POST", store, guard["create"], letters["create"])
    _add_write(app, f"/{noun}s/{{{noun}_id}}", "PUT", store, guard["change"], letters["change"])


def _add_reads(
    app: FastAPI,
    noun: str,
    store: dict[int, dict[str, Any]],
    guard: dict[str, list[Any]],
    letters: dict[str, str],
) -> None:
    @app.get(f"/{noun}s", dependencies=guard["list"], response_model=list[Stored])
    async def list_things(request: Request) -> Any:
        answer = _answer({}, letters["list"], request)
        headers = dict(answer.headers) if isinstance(answer, JSONResponse) else {}
        debug = {name: headers[name] for name in headers if name == "x-debug"}
        return JSONResponse(list(store.values()), headers=debug) if debug else list(store.values())

    @app.get(
        f"/{noun}s/{{{noun}_id}}",
        dependencies=guard["read"],
        response_model=Stored,
    )
    async def read_thing(request: Request) -> Any:
        text = request.path_params[f"{noun}_id"]
        if text == "search":
            return {}
        if not text.isdecimal() or int(text) not in store:
            raise HTTPException(404)
        return _answer(store[int(text)], letters["read"], request)

    if noun in REMOVABLE:

        @app.delete(f"/{noun}s/{{{noun}_id}}", dependencies=guard["remove"], status_code=204)
        async def remove_thing(request: Request) -> None:
            text = request.path_params[f"{noun}_id"]
            if not text.isdecimal() or store.pop(int(text), None) is None:
                raise HTTPException(404)


def _add_search(
    app: FastAPI, noun: str, store: dict[int, dict[str, Any]], guard: list[Any], letter: str
) -> None:
    async def search(request: Request, q: str = "x", limit: int = 5) -> Any:
        if q in ("null", "") and letter == "E":
            raise RuntimeError("q is None")
        if q in ("null", "") and letter == "K":
            await asyncio.sleep(SLOW_SECONDS)
        return _answer(store[1], letter, request)

    app.get(f"/{noun}s/search", dependencies=guard, response_model=Stored)(search)
    app.router.routes.insert(0, app.router.routes.pop())


def _add_write(
    app: FastAPI,
    path: str,
    method: str,
    store: dict[int, dict[str, Any]],
    guard: list[Any],
    letter: str,
) -> None:
    def keep(request: Request, thing: dict[str, Any]) -> Any:
        if letter == "E" and thing.get("note", "") is None:
            raise RuntimeError("note is None")
        number = next(iter(request.path_params.values()), None)
        if number is not None and (not number.isdecimal() or int(number) not in store):
            raise HTTPException(404)
        key = int(number) if number is not None else len(store) + 1
        kept = {**store[1], **{name: one for name, one in thing.items() if one is not None}}
        store[key] = {**kept, "id": key}
        return _answer(store[key], letter, request)

    async def loose(request: Request, thing: Annotated[Any, Body()]) -> Any:
        kept = {} if not isinstance(thing, dict) else thing
        return keep(request, {name: one for name, one in kept.items() if name != "maker"})

    async def strict(request: Request, thing: Thing) -> Any:
        return keep(request, thing.model_dump(exclude_unset=True))

    schema = {"$ref": "#/components/schemas/Thing"}
    body = {"requestBody": {"content": {"application/json": {"schema": schema}}}}
    app.api_route(
        path,
        methods=[method],
        status_code=201 if method == "POST" else 200,
        dependencies=guard,
        response_model=Stored,
        openapi_extra=body if letter == "F" else None,
    )(loose if letter == "F" else strict)


def _add_admin(app: FastAPI, part: str, letter: str) -> None:
    from fastapi import Security

    guard = [Security(_guard(letter), scopes=["admin"])]

    @app.get(f"/admin/{part}", dependencies=guard)
    async def read(page: int = 1) -> dict[str, int]:
        return {"page": page}


def _add_keyed(app: FastAPI) -> None:
    def check(key: Annotated[str | None, Depends(key_header)]) -> None:
        if not hmac.compare_digest((key or "").encode(), KEY.encode()):
            raise HTTPException(401)

    for name in ("usage", "quota", "regions", "status", "versions", "health"):

        @app.get(f"/system/{name}", dependencies=[Depends(check)])
        async def read(verbose: bool = False, x_trace: Annotated[str, Header()] = "t") -> list[str]:
            return [x_trace] if verbose else []


def spots_of(letters: Sequence[str], seed: int) -> list[str]:
    """The operations of some classes."""
    planted = plant(seed)
    return [operation_of(planted[letter]) for letter in letters]
