"""A small API with every security scheme and two flaws, served by a real uvicorn on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import pytest
import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Form, HTTPException, Query, Request, Response
from fastapi.security import (
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    HTTPBasic,
    HTTPBasicCredentials,
    OAuth2PasswordBearer,
)
from pydantic import BaseModel

from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.openapi import Document


def _load_target(name: str) -> ModuleType:
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"{name}_target", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # pydantic looks its annotations up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def load_target() -> Callable[[str], ModuleType]:
    """An application of this folder as a module: `load_target("seeded")`."""
    return _load_target


TOKEN = "a-valid-token-of-the-tests"
KEY = "a-valid-key-of-the-tests"
PASSWORD = "a-valid-password-of-the-tests"

Seen = list[dict[str, Any]]


class Player(BaseModel):
    name: str
    nickname: str | None = None


class Team(BaseModel):
    title: str
    players: list[Player]
    captain: Player | None = None


class Item(BaseModel):
    name: str
    price: float = 1.0


bearer = OAuth2PasswordBearer(tokenUrl="auth/token")
bearer_or_none = OAuth2PasswordBearer(tokenUrl="auth/token", auto_error=False)


def user(token: Annotated[str, Depends(bearer)]) -> str:
    if token != TOKEN:
        raise HTTPException(401)
    return "user"


def header_key(key: Annotated[str, Depends(APIKeyHeader(name="X-Key", scheme_name="head"))]) -> str:
    return _checked(key)


def query_key(key: Annotated[str, Depends(APIKeyQuery(name="key", scheme_name="query"))]) -> str:
    return _checked(key)


def cookie_key(key: Annotated[str, Depends(APIKeyCookie(name="key", scheme_name="cookie"))]) -> str:
    return _checked(key)


def basic(given: Annotated[HTTPBasicCredentials, Depends(HTTPBasic(scheme_name="basic"))]) -> str:
    if (given.username, given.password) != ("user", PASSWORD):
        raise HTTPException(401)
    return given.username


def _checked(key: str) -> str:
    if key != KEY:
        raise HTTPException(403)
    return key


router = APIRouter()


def seed_items() -> dict[str, dict[str, Any]]:
    return {f"seed-{number}": {"id": f"seed-{number}"} for number in (1, 2)}


def stored_items(request: Request) -> dict[str, dict[str, Any]]:
    items: dict[str, dict[str, Any]] = request.app.state.items
    return items


Items = Annotated[dict[str, dict[str, Any]], Depends(stored_items)]


@router.get("/open")
def read_open(page: int = 1, names: Annotated[list[str] | None, Query()] = None) -> int:
    return page


@router.get("/items", dependencies=[Depends(user)])
def list_items(items: Items) -> dict[str, Any]:
    return {"items": list(items.values()), "total": len(items)}


@router.post("/items", dependencies=[Depends(user)], status_code=201)
def create_item(item: Item, items: Items) -> dict[str, Any]:
    key = f"made-{len(items)}"
    return items.setdefault(key, {"id": key, **item.model_dump()})


@router.get("/items/{item_id}", dependencies=[Depends(user)])
def read_item(item_id: str, items: Items) -> dict[str, Any]:
    if item_id not in items:
        raise HTTPException(404)
    return items[item_id]


@router.delete("/items/{item_id}", dependencies=[Depends(user)])
def delete_item(item_id: str, items: Items) -> None:
    if items.pop(item_id, None) is None:
        raise HTTPException(404)


@router.get("/keys/header", dependencies=[Depends(header_key)])
def read_header() -> None: ...


@router.get("/keys/query", dependencies=[Depends(query_key)])
def read_query() -> None: ...


@router.get("/keys/cookie", dependencies=[Depends(cookie_key)])
def read_cookie() -> None: ...


@router.get("/keys/basic", dependencies=[Depends(basic)])
def read_basic() -> None: ...


@router.get("/leaky", dependencies=[Depends(bearer_or_none)])
def read_leaky(response: Response) -> None:
    response.set_cookie("session", "authenticates-whoever-keeps-it")


@router.get("/crash", dependencies=[Depends(user)])
def read_crash(name: str = "x") -> int:
    return 1 // (name != "null")


@router.post("/teams")
def create_team(team: Team) -> int:
    names = [player.name for player in team.players]
    if "captain" in team.model_fields_set:
        names.append(team.captain.name)  # type: ignore[union-attr]  # crashes on null, on purpose
    return len(names)


@router.get("/auth/logout", dependencies=[Depends(user)])
def log_out() -> None: ...


@router.post("/auth/token")
def log_in(username: Annotated[str, Form()], password: Annotated[str, Form()]) -> Any:
    if (username, password) != ("user", PASSWORD):
        raise HTTPException(401)
    return {"access_token": TOKEN, "token_type": "bearer"}


def build_app() -> FastAPI:
    app = FastAPI()
    app.state.items = seed_items()
    app.include_router(router)
    return app


class Recorder:
    """An ASGI wrapper that notes each request with its body before the application sees it."""

    def __init__(self, app: Any, seen: Seen) -> None:
        self.app = app
        self.seen = seen

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = bytearray()
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.seen.append(_noted(scope, bytes(body)))
        await self.app(scope, _replay(bytes(body)), send)


def _noted(scope: Any, body: bytes) -> dict[str, Any]:
    return {
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "headers": {name.decode(): value.decode("latin-1") for name, value in scope["headers"]},
        "body": body,
    }


def _replay(body: bytes) -> Any:
    messages = [{"type": "http.request", "body": body}]

    async def receive() -> Any:
        if messages:
            return messages.pop()
        # Nobody here leaves before the answer, and Starlette waits for that.
        return await asyncio.Future()

    return receive


@contextlib.contextmanager
def _serving(app: Any) -> Iterator[str]:
    # With the protocol named asyncio turns Nagle's algorithm off: 40 ms a request otherwise.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        # The listener queues connections already: there is nothing to wait for.
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


@pytest.fixture(scope="session")
def serve() -> Callable[[Any], contextlib.AbstractContextManager[str]]:
    """Serve an ASGI application on loopback: `with serve(app) as url`."""
    return _serving


@pytest.fixture(scope="session")
def shared_api() -> Iterator[tuple[str, FastAPI, Seen]]:
    """One server for all tests that end what they begin."""
    app = build_app()
    seen: Seen = []
    with _serving(Recorder(app, seen)) as url:
        yield url, app, seen


@pytest.fixture
def seen(shared_api: tuple[str, FastAPI, Seen]) -> Seen:
    """The requests that the application of `api` got in this test."""
    return shared_api[2]


@pytest.fixture
def api(shared_api: tuple[str, FastAPI, Seen]) -> str:
    """The base URL of the small API, as good as new."""
    url, app, seen = shared_api
    app.state.items = seed_items()
    seen.clear()
    return url


@pytest.fixture
def own_api() -> Iterator[tuple[str, Seen]]:
    """A small API and what it got, for a test that leaves requests under way."""
    seen: Seen = []
    with _serving(Recorder(build_app(), seen)) as url:
        yield url, seen


@pytest.fixture(scope="session")
def api_document() -> Document:
    """The OpenAPI document of the small API."""
    return Document("openapi.json", build_app().openapi())


@pytest.fixture
def credentials() -> Credentials:
    """Secrets for every scheme of the small API."""
    return Credentials(token=TOKEN, api_key=KEY, username="user", password=PASSWORD)


@pytest.fixture
def secrets() -> tuple[str, ...]:
    """What must appear in no `repr`, outcome or error."""
    return (TOKEN, KEY, PASSWORD)


@pytest.fixture
def raw_server() -> Iterator[Callable[[bytes | None], str]]:
    """Start a server that answers every connection with these bytes, or never if there are none."""
    with contextlib.ExitStack() as stack:
        yield lambda answer: stack.enter_context(_answering(answer))


@contextlib.contextmanager
def _answering(answer: bytes | None) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []
    ended = threading.Event()

    def accept() -> None:
        while not ended.is_set():
            connection, _ = listener.accept()
            held.append(connection)
            if answer is not None:
                connection.recv(65536)
                connection.sendall(answer)
                connection.close()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ended.set()
        socket.create_connection(listener.getsockname()).close()
        thread.join(10)
        for connection in (*held, listener):
            connection.close()


@pytest.fixture
def closed_address() -> Iterator[str]:
    """A base URL that refuses connections: its port is bound, and nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
