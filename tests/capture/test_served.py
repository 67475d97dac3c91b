"""The protocol rows again, over a real uvicorn and a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse, StreamingResponse
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse
from websockets import InvalidStatus, Subprotocol
from websockets.sync.client import connect

from perfectcv_traffic.store.ingest import ingest

Setup = Callable[..., Any]
Serve = Callable[..., Any]
Record = Callable[[Any], dict[str, Any]]
Records = Callable[[Any], list[dict[str, Any]]]

JSON = {"Content-Type": "application/json"}


def ask(address: tuple[str, int], method: str = "GET", path: str = "/", **more: Any) -> Any:
    connection = http.client.HTTPConnection(address[0], address[1], timeout=20)
    try:
        connection.request(method, path, **more)
        response = connection.getresponse()
        return response.status, response.getheaders(), response.read()
    finally:
        connection.close()


def raw(address: tuple[str, int], sent: bytes) -> bytes:
    """What comes back for these bytes until the server closes."""
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(sent)
        received = b""
        while part := connection.recv(65_536):
            received += part
    return received


async def settled(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def test_whole_exchange(monitor: Setup, serve: Serve, record: Record) -> None:
    app = FastAPI()

    @app.post("/items/{key}")
    async def handler(key: str, body: dict[str, Any]) -> dict[str, Any]:
        return {"key": key, **body}

    watching = monitor(app)
    with serve(app) as address:
        status, headers, body = ask(
            address, "POST", "/items/7?q=", body=b'{"a":null}', headers=JSON
        )
    assert (status, body) == (200, b'{"key":"7","a":null}')
    row = record(watching)
    assert dict(headers)["x-request-id"] == row["request_id"]
    assert (row["route"], row["client_ip"]) == ("/items/{key}", "127.0.0.1")
    assert row["url"] == f"http://127.0.0.1:{address[1]}/items/7?q="
    assert (row["request_bytes"], row["response_bytes"]) == (10, 20)
    assert [null["field_path"] for null in row["null_params_details"]] == ["q", "a"]
    assert row["complete"] is True


def test_a2_shutdown_of_the_server_leaves_the_log_whole(
    monitor: Setup, serve: Serve, log: Path
) -> None:
    watching = monitor(FastAPI(), flush_interval=60)
    with serve(watching.app) as address:
        ask(address)
    assert log.read_bytes().count(b"\n") == 1


def test_a5_server_sees_the_exception_and_answers_500(
    monitor: Setup, serve: Serve, record: Record
) -> None:
    app = FastAPI()

    @app.get("/")
    async def handler() -> None:
        raise ValueError("kaput")

    watching = monitor(app)
    with serve(app) as address:
        assert ask(address)[0] == 500
    assert record(watching)["error_message"] == "ValueError: kaput"


def test_a10_exception_in_mid_stream_closes_the_connection(
    monitor: Setup, serve: Serve, record: Record
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        raise RuntimeError("lost")

    watching = monitor(app)
    with serve(watching.app, lifespan="off") as address, pytest.raises(http.client.IncompleteRead):
        ask(address)
    row = record(watching)
    assert (row["status_code"], row["complete"]) == (200, False)


def test_a15_server_answers_500_for_an_application_that_does_not(
    monitor: Setup, serve: Serve, record: Record
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    watching = monitor(app)
    with serve(watching.app, lifespan="off") as address:
        assert ask(address)[0] == 500
    assert record(watching)["error_message"] == "no response was sent"


def test_b2_server_sent_events_arrive_one_by_one(
    monitor: Setup, serve: Serve, record: Record
) -> None:
    received = threading.Semaphore(0)

    async def events() -> AsyncIterator[bytes]:
        for number in range(3):
            yield b"data: %d\n\n" % number
            # The next one is made only when the client has read this one.
            await asyncio.to_thread(received.acquire, timeout=20)

    app = FastAPI()
    app.add_api_route("/", lambda: StreamingResponse(events(), media_type="text/event-stream"))
    watching = monitor(app)
    with serve(app) as address:
        connection = http.client.HTTPConnection(address[0], address[1], timeout=20)
        connection.request("GET", "/")
        response = connection.getresponse()
        for number in range(3):
            assert response.read1() == b"data: %d\n\n" % number
            received.release()
        assert response.read1() == b""
        connection.close()
    assert record(watching)["response_bytes"] == 27


def test_b3_client_that_leaves_an_endless_stream(
    monitor: Setup, serve: Serve, record: Record
) -> None:
    async def events() -> AsyncIterator[bytes]:
        while True:
            yield b"data: x\n\n"
            await asyncio.sleep(0.01)

    app = FastAPI()
    app.add_api_route("/", lambda: StreamingResponse(events(), media_type="text/event-stream"))
    watching = monitor(app)
    with serve(app) as address:
        with socket.create_connection(address, timeout=20) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
        asyncio.run(asyncio.wait_for(settled(lambda: watching.counters.recorded == 1), 20))
    row = record(watching)
    assert (row["status_code"], row["complete"], row["client_disconnected"]) == (200, False, True)


def test_b12_head_sends_no_body(monitor: Setup, serve: Serve, record: Record) -> None:
    app = FastAPI()
    app.add_route("/", lambda _: PlainTextResponse("0123456789"), methods=["GET"])
    watching = monitor(app)
    with serve(app) as address:
        assert ask(address, "HEAD")[2] == b""
    assert record(watching)["response_bytes"] == 0


def test_c2_c3_unread_body_is_not_asked_for(monitor: Setup, serve: Serve, record: Record) -> None:
    app = FastAPI()
    app.add_api_route("/", lambda: 1, methods=["POST"])
    watching = monitor(app)
    request = (
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\nExpect: 100-continue\r\n"
        b"Connection: close\r\n\r\n"
    )
    with serve(app) as address:
        answer = raw(address, request)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"100 Continue" not in answer
    row = record(watching)
    assert (row["request_bytes"], row["request_body_note"]) == (None, "not_read")


def test_lengths_that_no_body_had_are_stored_as_unknown(
    monitor: Setup, serve: Serve, records: Records, log: Path, tmp_path: Path
) -> None:
    watching = monitor(FastAPI())
    request = (
        b"GET /x HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999999999\r\n"
        b"Connection: close\r\n\r\n"
    )
    with serve(watching.app) as address:
        for _ in range(12):  # together they were more than SQLite can add up
            assert raw(address, request).startswith(b"HTTP/1.1 404")
    assert [row["request_bytes"] for row in records(watching)] == [None] * 12
    assert ingest([log], tmp_path / "t.db").new == 12


def test_c5_client_that_leaves_in_mid_upload(monitor: Setup, serve: Serve, record: Record) -> None:
    app = FastAPI()

    @app.post("/")
    async def upload(request: Request) -> int:
        return len(await request.body())

    watching = monitor(app)
    with serve(app) as address:
        with socket.create_connection(address, timeout=20) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\nhalf")
        asyncio.run(asyncio.wait_for(settled(lambda: watching.counters.recorded == 1), 20))
    row = record(watching)
    assert (row["status_code"], row["client_disconnected"]) == (None, True)
    assert "ClientDisconnect" in row["error_message"]


def test_c6_answer_to_a_client_that_left_is_recorded_as_sent(
    monitor: Setup, serve: Serve, record: Record
) -> None:
    entered, leave = threading.Event(), threading.Event()
    app = FastAPI()

    @app.get("/")
    async def handler() -> int:
        entered.set()
        await asyncio.to_thread(leave.wait, 20)
        return 1

    watching = monitor(app)
    with serve(app) as address:
        with socket.create_connection(address, timeout=20) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert entered.wait(20)
        leave.set()
        asyncio.run(asyncio.wait_for(settled(lambda: watching.counters.recorded == 1), 20))
    assert record(watching)["status_code"] == 200


def test_c22_requests_of_one_connection_do_not_mix(
    monitor: Setup, serve: Serve, records: Records
) -> None:
    app = FastAPI()

    @app.post("/{key}")
    async def handler(key: str, request: Request) -> bytes:
        return await request.body()

    watching = monitor(app)

    def post(key: int, last: bool) -> bytes:
        head = f"POST /{key} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
        close = "Connection: close\r\n" if last else ""
        return f"{head}{close}Content-Length: 6\r\n\r\nbody {key}".encode()

    with serve(app) as address:
        raw(address, b"".join(post(key, key == 4) for key in range(5)))
    rows = records(watching)
    assert [(row["path"], row["request_body"]) for row in rows] == [
        (f"/{key}", f"body {key}") for key in range(5)
    ]
    assert len({row["request_id"] for row in rows}) == 5


def test_f11_f12_odd_targets_are_served_and_recorded(
    monitor: Setup, serve: Serve, records: Records
) -> None:
    app = FastAPI()
    watching = monitor(app)
    targets = [b"//double//slash", b"/a%2Fb", b"/%ff", b"/%2e%2e/x", b"/p?a=%ff&b=\xc3\xa4"]
    with serve(app) as address:
        for target in targets:
            raw(address, b"GET " + target + b" HTTP/1.0\r\n\r\n")
    rows = records(watching)
    assert [row["http_version"] for row in rows] == ["1.0"] * len(rows)
    assert [row["url"].partition(str(address[1]))[2] for row in rows][:4] == [
        "//double//slash", "/a%2Fb", "/%ff", "/%2e%2e/x",
    ]  # fmt: skip


def test_f7_unix_socket_has_no_client_address(
    monitor: Setup, record: Record, tmp_path: Path
) -> None:
    watching = monitor(FastAPI())
    path = str(tmp_path / "s")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    server = uvicorn.Server(uvicorn.Config(watching.app, log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 404")
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()
    row = record(watching)
    assert row["client_ip"] is None


def test_g6_root_path_of_the_server(monitor: Setup, serve: Serve, record: Record) -> None:
    app = FastAPI()
    app.add_api_route("/items/{key}", lambda key: key)
    watching = monitor(app)
    with serve(app, root_path="/pre") as address:
        assert ask(address, path="/items/7")[0] == 200
    row = record(watching)
    assert row["route"] == "/items/{key}"
    assert row["url"].endswith("/pre/items/7")


def test_h1_background_task_is_no_part_of_the_response(
    monitor: Setup, serve: Serve, record: Record
) -> None:
    app = FastAPI()
    task = BackgroundTask(asyncio.sleep, 0.3)
    app.add_api_route("/", lambda: PlainTextResponse("ok", background=task))
    watching = monitor(app)
    with serve(app) as address:
        assert ask(address)[2] == b"ok"
    assert record(watching)["response_time_ms"] < 300


def test_b5_file_is_served_whole(
    monitor: Setup, serve: Serve, record: Record, tmp_path: Path
) -> None:
    file = tmp_path / "file.bin"
    file.write_bytes(bytes(range(256)) * 4096)
    app = FastAPI()
    app.add_api_route("/", lambda: FileResponse(file), response_class=FileResponse)
    watching = monitor(app)
    with serve(app) as address:
        assert ask(address)[2] == file.read_bytes()
    assert record(watching)["response_bytes"] == 256 * 4096


@pytest.mark.parametrize("recorded", [False, True])
def test_a1_websocket_is_served_as_if_alone(
    monitor: Setup, serve: Serve, records: Records, recorded: bool
) -> None:
    app = FastAPI()

    @app.websocket("/echo/{name}")
    async def echo(websocket: WebSocket, name: str) -> None:
        await websocket.accept(subprotocol="chat", headers=[(b"x-own", b"yes")])
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await websocket.send_text(f"{name}: {await websocket.receive_text()}")

    watching = monitor(app) if recorded else None
    with serve(app) as (host, port):
        url = f"ws://{host}:{port}/echo/ann"
        with connect(url, subprotocols=[Subprotocol("chat")]) as client:
            for word in ("one", "two"):
                client.send(word)
                assert client.recv(20) == f"ann: {word}"
            answer: Any = client.response
            assert (client.subprotocol, answer.headers["x-own"]) == ("chat", "yes")
            assert "x-request-id" not in answer.headers
        with pytest.raises(InvalidStatus), connect(f"ws://{host}:{port}/none"):
            raise AssertionError
    if watching is not None:
        assert records(watching) == []


def test_lifespan_state_reaches_the_handlers(monitor: Setup, serve: Serve, record: Record) -> None:
    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
        yield {"answer": 42}

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def handler(request: Request) -> Any:
        return request.state.answer

    watching = monitor(app)
    with serve(app) as address:
        assert ask(address)[2] == b"42"
    assert record(watching)["status_code"] == 200
