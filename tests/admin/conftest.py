"""A monitored application with admin endpoints, served by a real uvicorn over a real database."""

from __future__ import annotations

import importlib.util
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from perfectcv_traffic import Monitor, setup_monitoring
from perfectcv_traffic.store.ingest import ingest

TOKEN = "an-admin-token-for-tests"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
SECONDS = 30.0


class Service:
    """A served application: call it as a client, ingest what it logged, ask its admin endpoints."""

    def __init__(self, address: str, monitor: Monitor, folder: Path) -> None:
        self.address = address
        self.monitor = monitor
        self.log = folder / "traffic.log"
        self.db = folder / "traffic.db"
        self.answered = 0
        hooks: dict[str, list[Callable[..., Any]]] = {"response": [self._count]}
        self.client = httpx.Client(base_url=address, timeout=SECONDS, event_hooks=hooks)

    def _count(self, _response: httpx.Response) -> None:
        self.answered += 1

    def ingest(self) -> None:
        """Store everything that was requested so far."""
        deadline = time.monotonic() + SECONDS
        while self.monitor.counters.recorded < self.answered:  # a record follows its answer
            assert self.monitor.flush()
            assert time.monotonic() < deadline
        ingest([self.log], self.db)

    def admin(self, path: str, /, **query: Any) -> dict[str, Any]:
        """The JSON of an admin endpoint."""
        answer = self.client.get(f"/admin/{path}", params=query, headers=AUTHORIZED)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body


Serve = Callable[..., Service]


def application() -> FastAPI:
    """A small API: found, not found, broken, null, limited, and a login by UUID."""
    app = FastAPI()

    @app.get("/items/{item_id}")
    async def item(item_id: int) -> dict[str, Any]:
        return {"id": item_id, "owner": None}

    @app.post("/items")
    async def add(request: Request) -> dict[str, Any]:
        return {"received": len(await request.body())}

    @app.get("/broken")
    async def broken() -> JSONResponse:
        return JSONResponse({"detail": "out of order"}, status_code=500)

    @app.get("/limited")
    async def limited() -> JSONResponse:
        headers = {"X-RateLimit-Limit": "10", "X-RateLimit-Remaining": "1"}
        return JSONResponse({}, status_code=429, headers=headers)

    @app.post("/auth/uuid")
    async def login(request: Request) -> JSONResponse:
        known = (await request.json())["uuid"].startswith("good")
        return JSONResponse({}, status_code=200 if known else 401)

    @app.delete("/items/{item_id}", status_code=204)
    async def remove(item_id: int) -> None:
        return None

    return app


@contextmanager
def _running(app: Any) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    # asyncio does this only for sockets of its own; without it each answer waits 40 ms for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
    started = threading.Event()
    startup = server.startup

    async def announce(sockets: list[socket.socket] | None = None) -> None:
        await startup(sockets)
        started.set()

    server.startup = announce  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        assert started.wait(SECONDS)
        yield "http://{}:{}".format(*listener.getsockname())
    finally:
        server.should_exit = True
        thread.join(SECONDS)
        listener.close()


@contextmanager
def _serving(folder: Path) -> Iterator[Serve]:
    with ExitStack() as ends:

        def start(app: Any = None, **settings: Any) -> Service:
            app = application() if app is None else app
            given = {"admin_token": TOKEN, "ingest": "off", **settings}
            monitor = setup_monitoring(
                app, log=folder / "traffic.log", db=folder / "traffic.db", **given
            )
            ends.callback(monitor.close)
            service = Service(ends.enter_context(_running(monitor.app)), monitor, folder)
            ends.callback(service.client.close)
            return service

        yield start


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serve an application (the small API) with these settings."""
    with _serving(tmp_path) as start:
        yield start


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The small API after some traffic, ingested once for all tests: only to be read."""
    with _serving(tmp_path_factory.mktemp("shared")) as start:
        yield _with_traffic(start())


@pytest.fixture
def own_service(serve: Serve) -> Service:
    """The same for one test, which may do with it what it likes."""
    return _with_traffic(serve())


def _with_traffic(service: Service) -> Service:
    client = service.client
    key = {"X-API-Key": "12ab-a-long-api-key-cd34"}
    for number in range(3):
        client.get(f"/items/{number}", headers={"X-Request-ID": f"item-{number}"})
    client.get("/items/7?filter=null", headers=key)
    client.post("/items", json={"name": None, "tags": ["a"]}, headers=key)
    client.get("/broken", headers=key)
    client.get("/limited")
    client.get("/nowhere/100%_sure")
    client.delete("/items/1")
    for login in ("good-1", "11111111-2222-3333-4444-555555555555", "good-1"):
        client.post("/auth/uuid", json={"uuid": login}, headers={"User-Agent": "phone/1"})
    service.ingest()
    return service


Need = Callable[..., None]


@pytest.fixture(scope="session")
def need() -> Need:
    """Go on only where all of these are: modules by name, files by path; CI must have them."""

    def check(*wanted: str | Path) -> None:
        missing = [str(one) for one in wanted if not _is_there(one)]
        if missing and os.environ.get("CI") == "true":
            pytest.fail(f"missing, and CI must have it: {missing}")
        if missing:
            pytest.skip(f"not installed: {missing}")

    return check


def _is_there(wanted: str | Path) -> bool:
    if isinstance(wanted, Path):
        return wanted.is_file()
    return importlib.util.find_spec(wanted) is not None
