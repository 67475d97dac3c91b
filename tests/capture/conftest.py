"""Applications, clients and logs for the recorder. `test_b7_..` is case B7: docs/decisions.md."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvicorn

from perfectcv_traffic import Monitor, TrafficLog, setup_monitoring

DEFAULTS = msgspec.structs.asdict(TrafficLog(request_id=""))
"""What a line of the log leaves out."""


@dataclass
class Answer:
    """What a server would have seen of one request."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    error: BaseException | None = None

    @property
    def status(self) -> int | None:
        starts = [m for m in self.messages if m["type"] == "http.response.start"]
        return starts[0]["status"] if starts else None

    @property
    def headers(self) -> dict[str, str]:
        start = next(m for m in self.messages if m["type"] == "http.response.start")
        return {k.decode().lower(): v.decode("latin-1") for k, v in start.get("headers", ())}

    @property
    def body(self) -> bytes:
        return b"".join(bytes(m.get("body", b"")) for m in self.messages)


def http_scope(path: str = "/", **changes: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("utf-8", "replace"),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"api.example")],
        "client": ("203.0.113.9", 50000),
        "server": ("127.0.0.1", 8000),
        **changes,
    }


async def converse(app: Any, scope: dict[str, Any], chunks: list[bytes], gone: bool) -> Answer:
    answer, sent, done = Answer(), 0, asyncio.Event()

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent < len(chunks):
            sent += 1
            more = sent < len(chunks) or gone
            return {"type": "http.request", "body": chunks[sent - 1], "more_body": more}
        if not gone:
            await done.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        answer.messages.append(message)
        last = not message.get("more_body") and message["type"] == "http.response.body"
        if last:
            done.set()

    try:
        await app(scope, receive, send)
    except BaseException as error:  # whatever the server would get
        answer.error = error
    return answer


@pytest.fixture
def talk() -> Callable[..., Answer]:
    """Send one request to an ASGI application: `gone` says that the client leaves after it."""

    def send(
        app: Any,
        method: str = "GET",
        path: str = "/",
        *,
        body: bytes | list[bytes] = b"",
        headers: list[tuple[bytes, bytes]] | None = None,
        gone: bool = False,
        **scope: Any,
    ) -> Answer:
        path, _, query = path.partition("?")
        chunks = body if isinstance(body, list) else [body]
        all_headers = [(b"host", b"api.example"), *(headers or [])]
        built = http_scope(
            path, method=method, query_string=query.encode(), headers=all_headers, **scope
        )
        return asyncio.run(converse(app, built, chunks, gone))

    return send


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "api_traffic.log"


@pytest.fixture
def rows_of() -> Callable[[Path], list[dict[str, Any]]]:
    """Every line of a log with all its fields."""

    def read(log: Path) -> list[dict[str, Any]]:
        lines = log.read_bytes().splitlines() if log.exists() else []
        return [{**DEFAULTS, **json.loads(line)} for line in lines]

    return read


@pytest.fixture
def monitor(log: Path) -> Iterator[Callable[..., Monitor]]:
    """`setup_monitoring` on this test's log, without the ingester; closed at the end."""
    made: list[Monitor] = []

    def make(app: Any, **given: Any) -> Monitor:
        made.append(setup_monitoring(app, **{"log": log, "ingest": "off", **given}))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def records(
    log: Path, rows_of: Callable[[Path], list[dict[str, Any]]]
) -> Callable[[Monitor], list[dict[str, Any]]]:
    """Every record in the log once the monitor has written what it holds."""

    def read(watching: Monitor) -> list[dict[str, Any]]:
        assert watching.flush(10)
        assert watching.counters.lost == 0
        assert watching.counters.faults == 0
        return rows_of(log)

    return read


@pytest.fixture
def record(
    records: Callable[[Monitor], list[dict[str, Any]]],
) -> Callable[[Monitor], dict[str, Any]]:
    """The only record in the log."""

    def read(watching: Monitor) -> dict[str, Any]:
        (only,) = records(watching)
        return only

    return read


@pytest.fixture(scope="session")
def until() -> Callable[[Callable[[], Any]], None]:
    """Wait until a condition holds; another process or thread makes it hold."""

    def wait(condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    return wait


@pytest.fixture(scope="session")
def has_ended() -> Callable[[int], bool]:
    """Whether a process has ended, also one that nobody waits for."""

    def ended(pid: int) -> bool:
        try:
            state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
        except OSError:
            return True
        return state == "Z"

    return ended


@pytest.fixture
def serve() -> Callable[..., contextlib.AbstractContextManager[tuple[str, int]]]:
    """Serve an application with a real uvicorn on loopback; gives host and port."""

    @contextlib.contextmanager
    def serving(app: Any, **config: Any) -> Iterator[tuple[str, int]]:
        options = {"log_level": "critical", "timeout_graceful_shutdown": 2, **config}
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, **options))
        started = threading.Event()
        startup = server.startup

        async def told(sockets: Any = None) -> None:
            await startup(sockets)
            started.set()

        server.startup = told  # type: ignore[method-assign]
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            assert started.wait(20)
            yield server.servers[0].sockets[0].getsockname()[:2]
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()

    return serving
