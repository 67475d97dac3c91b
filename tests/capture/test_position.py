"""Position, pass-through, order of exceptions."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, StreamingResponse
from prometheus_client import CollectorRegistry
from prometheus_fastapi_instrumentator import Instrumentator
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from perfectcv_traffic.capture.middleware import Recorder
from perfectcv_traffic.capture.routes import RouteTable

Talk = Callable[..., Any]
Setup = Callable[..., Any]
Record = Callable[[Any], dict[str, Any]]
Records = Callable[[Any], list[dict[str, Any]]]


class CallsApp:
    """An application that notes what it was called with."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.error = error

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.calls.append((scope, receive, send))
        if self.error is not None:
            raise self.error


def raising(error: BaseException) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise error

    return app


@pytest.mark.parametrize("kind", ["websocket", "something.new"], ids=["a1", "a3"])
def test_a1_a3_other_scopes_are_forwarded_untouched(monitor: Setup, log: Any, kind: str) -> None:
    inner = CallsApp()
    watching = monitor(inner)
    scope, receive, send = {"type": kind}, object(), object()
    asyncio.run(watching.app(scope, receive, send))
    assert inner.calls[0][0] is scope
    assert inner.calls[0][1] is receive
    assert inner.calls[0][2] is send
    assert scope == {"type": kind}
    assert watching.flush()
    assert not log.exists()


def test_a2_lifespan_shutdown_writes_the_log_before_it_completes(
    monitor: Setup, talk: Talk, log: Any
) -> None:
    order: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        yield
        order.append("application")

    app = FastAPI(lifespan=lifespan)
    app.add_api_route("/", lambda: 1)
    monitor(app, flush_interval=60)
    talk(app)
    assert not log.exists()

    async def live() -> list[str]:
        incoming = iter(["lifespan.startup", "lifespan.shutdown"])

        async def receive() -> dict[str, Any]:
            return {"type": next(incoming)}

        async def send(message: Any) -> None:
            order.append(message["type"])
            if message["type"] == "lifespan.shutdown.complete":
                order.append(f"{len(log.read_bytes().splitlines())} line")

        await app({"type": "lifespan", "state": {}}, receive, send)
        return order

    # The writer's thread gathers for a minute; the flush does not wait for that.
    assert asyncio.run(live()) == [
        "lifespan.startup.complete",
        "application",
        "lifespan.shutdown.complete",
        "1 line",
    ]


def test_a2_failure_of_the_recorder_at_shutdown_is_kept_from_the_application(
    monitor: Setup, monkeypatch: Any
) -> None:
    sent: list[str] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "lifespan.shutdown.complete"})

    async def send(message: Any) -> None:
        sent.append(message["type"])

    def fail() -> None:
        raise RuntimeError("a bug of the recorder")

    watching = monitor(app)
    monkeypatch.setattr(watching, "_shut_down", fail)
    asyncio.run(watching.app({"type": "lifespan"}, None, send))
    assert sent == ["lifespan.shutdown.complete"]
    assert watching.counters.faults == 1


def test_a4_application_without_lifespan_raises_what_it_would_and_is_recorded(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http", "no lifespan here"
        await PlainTextResponse("ok")(scope, receive, send)

    watching = monitor(app)
    with pytest.raises(AssertionError, match="no lifespan here"):
        asyncio.run(watching.app({"type": "lifespan"}, object(), object()))
    assert talk(watching.app).body == b"ok"
    assert record(watching)["status_code"] == 200


def test_a5_exception_of_a_handler_is_recorded_with_its_500_and_raised_unchanged(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    raised = ValueError("kaput")
    cause = KeyError("cause")
    raised.__cause__ = cause
    app = FastAPI()

    @app.get("/")
    async def handler() -> None:
        raise raised

    watching = monitor(app)
    answer = talk(app)
    assert answer.status == 500
    assert answer.error is raised
    assert raised.__cause__ is cause
    assert traceback.extract_tb(raised.__traceback__)[-1].name == "handler"
    row = record(watching)
    assert (row["status_code"], row["error_message"]) == (500, "ValueError: kaput")
    assert row["response_body"] == "Internal Server Error"


def test_a6_answer_of_a_custom_500_handler_is_recorded(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    app = FastAPI()

    @app.exception_handler(Exception)
    async def own(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"oops": "handled"}, 500)

    @app.get("/")
    async def handler() -> None:
        raise ValueError("kaput")

    watching = monitor(app)
    assert talk(app).body == b'{"oops":"handled"}'
    assert record(watching)["response_body"] == '{"oops":"handled"}'


def test_a7_http_exception_gives_its_detail_and_headers(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    app = FastAPI()

    @app.get("/")
    async def handler() -> None:
        raise HTTPException(418, "teapot", headers={"x-pot": "short"})

    watching = monitor(app)
    assert talk(app).error is None
    row = record(watching)
    assert (row["status_code"], row["error_message"]) == (418, "teapot")
    assert row["response_headers"]["x-pot"] == "short"


class Login(BaseModel):
    name: str
    password: int


def test_a8_validation_error_is_told_without_the_rejected_input(
    monitor: Setup, talk: Talk, record: Record, log: Any
) -> None:
    app = FastAPI()

    @app.post("/")
    async def handler(login: Login) -> None: ...

    watching = monitor(app)
    answer = talk(
        app,
        "POST",
        body=b'{"name": null, "password": "hunter2hunter2"}',
        headers=[(b"content-type", b"application/json")],
    )
    assert answer.status == 422
    row = record(watching)
    assert row["error_message"].startswith("body.name: Input should be a valid string; ")
    assert "body.password" in row["error_message"]
    assert b"hunter2" not in log.read_bytes()


@pytest.mark.parametrize("key", ["detail", "message", "error", "errors"])
def test_a9_error_text_comes_from_the_keys_of_a_json_answer(
    monitor: Setup, talk: Talk, record: Record, key: str
) -> None:
    app = FastAPI()
    app.add_api_route("/", lambda: JSONResponse({"x": 1, key: "it broke"}, 500))
    watching = monitor(app)
    assert talk(app).error is None
    assert record(watching)["error_message"] == "it broke"


def test_a10_exception_in_mid_stream_keeps_the_status_that_was_sent(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    app = FastAPI()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"one"
        raise RuntimeError("lost")

    app.add_api_route("/", lambda: StreamingResponse(chunks()), response_class=StreamingResponse)
    watching = monitor(app)
    assert isinstance(talk(app).error, Exception)
    row = record(watching)
    assert (row["status_code"], row["complete"], row["response_bytes"]) == (200, False, 3)
    assert "RuntimeError: lost" in row["error_message"]


def test_a11_exception_of_a_background_task_is_in_the_record_and_raised(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    done = ValueError("too late")

    async def task() -> None:
        await asyncio.sleep(0.1)  # longer than the flush interval: the record is held for it
        raise done

    async def handler(request: Any) -> PlainTextResponse:
        return PlainTextResponse("ok", background=BackgroundTask(task))

    app = Starlette(routes=[Route("/", handler)])
    watching = monitor(app)
    answer = talk(app)
    assert answer.error is done
    row = record(watching)
    assert (row["status_code"], row["complete"]) == (200, True)
    assert row["error_message"] == "ValueError: too late"
    assert row["response_time_ms"] < 100
    assert watching.counters.missed_errors == 0


@pytest.mark.parametrize(
    "error", [asyncio.CancelledError(), KeyboardInterrupt(), SystemExit(3), GeneratorExit()]
)
def test_a12_base_exceptions_are_recorded_and_raised(
    monitor: Setup, record: Record, error: BaseException
) -> None:
    watching = monitor(raising(error))
    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    coroutine = watching.app(scope, object(), object())
    with pytest.raises(type(error)) as caught:
        coroutine.send(None)
    assert caught.value is error
    row = record(watching)
    assert row["status_code"] is None
    assert row["error_message"].startswith(type(error).__name__)


def test_a13_exception_group_names_itself_and_its_first_leaf(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    group = BaseExceptionGroup("two went wrong", [ExceptionGroup("in", [KeyError("k")])])
    watching = monitor(raising(group))
    assert talk(watching.app).error is group
    assert (
        record(watching)["error_message"]
        == "ExceptionGroup: two went wrong (1 sub-exception): KeyError: 'k'"
    )


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (UnspeakableError(), "UnspeakableError: (its message cannot be shown)"),
        (ValueError("x" * 10_000_000), "ValueError: " + "x" * 488),
        (
            ValueError("login with password=hunter2 at postgres://me:hunter2@db/x failed"),
            "ValueError: login with password=[REDACTED] at postgres://[REDACTED]@db/x failed",
        ),
    ],
    ids=["unspeakable", "huge", "secret"],
)
def test_a14_hostile_exceptions_are_described(
    monitor: Setup, talk: Talk, record: Record, error: Exception, text: str
) -> None:
    watching = monitor(raising(error))
    assert talk(watching.app).error is error
    assert record(watching)["error_message"] == text


def test_a15_application_that_sends_nothing_is_recorded_as_such(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    watching = monitor(CallsApp())
    talk(watching.app)
    row = record(watching)
    assert (row["status_code"], row["complete"]) == (None, False)
    assert row["error_message"] == "no response was sent"


def test_a16_messages_out_of_order_are_forwarded_as_they_are(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    messages: list[dict[str, Any]] = [
        {"type": "http.response.body", "body": b"early", "more_body": True},
        {"type": "http.response.start", "status": 201, "headers": []},
        {"type": "http.response.start", "status": 500, "headers": []},
        {"type": "http.response.body", "body": b"late"},
        {"type": "http.response.body", "body": b"too late"},
    ]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    watching = monitor(app)
    sent = talk(watching.app).messages
    assert [(m["type"], m.get("status"), m.get("body")) for m in sent] == [
        (m["type"], m.get("status"), m.get("body")) for m in messages
    ]
    found = record(watching)
    assert found["status_code"] == 201
    assert (found["response_body"], found["response_bytes"], found["complete"]) == ("late", 4, True)


def test_a17_second_setup_returns_the_first_monitor(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    app = FastAPI()
    app.add_api_route("/", lambda: 1)
    first = monitor(app)
    assert monitor(app) is first
    talk(app)
    assert record(first)["status_code"] == 200


@pytest.mark.parametrize("kind", [FastAPI, Starlette])
def test_a18_setup_after_the_first_request_records_the_next(
    monitor: Setup, talk: Talk, record: Record, kind: Any
) -> None:
    app = kind()
    talk(app, path="/before")
    watching = monitor(app)
    talk(app, path="/after")
    assert record(watching)["path"] == "/after"


def test_a19_middleware_added_afterwards_is_inside(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    app = FastAPI()
    watching = monitor(app)
    app.add_middleware(BaseHTTPMiddleware, dispatch=_refuse)
    assert talk(app).status == 403
    assert record(watching)["status_code"] == 403


async def _refuse(request: Any, call_next: Any) -> Any:
    return PlainTextResponse("no", 403)


async def _pass(request: Any, call_next: Any) -> Any:
    return await call_next(request)


def test_a20_route_is_seen_through_base_http_middleware(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    app = FastAPI()
    app.add_middleware(BaseHTTPMiddleware, dispatch=_pass)
    app.add_api_route("/items/{key}", lambda key: key)
    watching = monitor(app)
    talk(app, path="/items/7")
    assert record(watching)["route"] == "/items/{key}"


def test_a21_route_is_matched_again_when_a_middleware_copied_the_scope(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    class Copies:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await self.app(dict(scope), receive, send)

    app = FastAPI()
    app.add_middleware(Copies)
    app.add_api_route("/items/{key}", lambda key: key)
    watching = monitor(app)
    talk(app, path="/items/7")
    row = record(watching)
    assert (row["status_code"], row["route"]) == (200, "/items/{key}")


def test_header_that_a_middleware_adds_to_the_scope_is_not_the_client_s(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["headers"].append((b"authorization", b"Bearer of-the-middleware"))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    watching = monitor(app)
    talk(watching.app)
    row = record(watching)
    assert (row["token_present"], row["request_headers"]) == (False, {"host": "api.example"})


@pytest.mark.parametrize("order", ["before", "after", "around"])
def test_a22_other_instrumentators_work_in_any_order(
    monitor: Setup, talk: Talk, record: Record, order: str
) -> None:
    registry, app = CollectorRegistry(), FastAPI()
    app.add_api_route("/items/{key}", lambda key: key)

    def instrument() -> None:
        wrap_middleware_stack(app)
        if not app.user_middleware:
            Instrumentator(registry=registry).instrument(app)

    if order != "after":
        instrument()
    watching = monitor(app)
    if order != "before":
        instrument()
    assert talk(app, path="/items/7").status == 200
    assert isinstance(app, FastAPI)
    assert record(watching)["route"] == "/items/{key}"
    labels = {"method": "GET", "status": "2xx", "handler": "/items/{key}"}
    assert registry.get_sample_value("http_requests_total", labels) == 1


def wrap_middleware_stack(app: Any) -> None:
    """What OpenTelemetry's instrumentator does to an application."""
    build = app.build_middleware_stack

    def build_and_wrap() -> Any:
        inner = build()

        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            await inner(scope, receive, send)

        return wrapped

    app.build_middleware_stack = build_and_wrap


def test_a23_debug_and_early_hint_messages_are_no_body(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    messages: list[dict[str, Any]] = [
        {"type": "http.response.early_hint", "links": [b"</a.css>"]},
        {"type": "http.response.debug", "info": {"template": "x"}},
        {"type": "http.response.start", "status": 200},
        {"type": "http.response.body", "body": b"text"},
    ]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    watching = monitor(app)
    assert talk(watching.app).messages[:2] == messages[:2]
    assert record(watching)["response_body"] == "text"


def test_a24_recorder_around_any_asgi_application(talk: Talk) -> None:
    class Sink(list[Any]):
        submit = list.append

        release = list.append

        def hold(self, exchange: Any) -> None: ...

        def fault(self) -> None:
            raise AssertionError

    async def never() -> None:
        raise AssertionError

    sink = Sink()
    app = Recorder(PlainTextResponse("ok"), sink, RouteTable(), body_limit=10, on_shutdown=never)
    assert talk(app).body == b"ok"
    assert [exchange.status for exchange in sink] == [200]


def test_a25_monitored_application_mounted_in_another_is_recorded_once(
    monitor: Setup, talk: Talk, records: Records
) -> None:
    inner, outer = FastAPI(), FastAPI()
    inner.add_api_route("/x", lambda: 1)
    outer.mount("/inner", inner)
    watching, other = monitor(outer), monitor(inner)
    assert talk(outer, path="/inner/x").status == 200
    assert other.flush()
    assert [row["route"] for row in records(watching)] == ["/inner/x"]
    assert other.counters.recorded == 0


def test_k1_faults_of_the_recorder_leave_the_response_alone(
    monitor: Setup, talk: Talk, caplog: Any
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": "odd", "headers": [(1, 2, 3)]})
        await send({"type": "http.response.body", "body": None})

    watching = monitor(app)
    odd: list[Any] = [{"type": "http.response.start", "status": "odd", "headers": [(1, 2, 3)]}]
    odd.append({"type": "http.response.body", "body": None})
    messages = []

    async def send(message: Any) -> None:
        messages.append(message)

    async def receive() -> Any: ...

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    asyncio.run(watching.app(scope, receive, send))
    assert messages == odd
    assert watching.flush()
    assert watching.counters.faults == 2
    assert [r.message for r in caplog.records if "recorder failed" in r.message] != []


def test_k1_scope_that_cannot_be_read_is_served_unrecorded(monitor: Setup, caplog: Any) -> None:
    inner = CallsApp()
    watching = monitor(inner)
    asyncio.run(watching.app({"type": "http"}, object(), object()))
    assert inner.calls[0][0] == {"type": "http"}
    assert watching.counters.faults == 1
