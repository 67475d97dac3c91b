"""Timing and ids."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask

Talk = Callable[..., Any]
Setup = Callable[..., Any]
Record = Callable[[Any], dict[str, Any]]
Records = Callable[[Any], list[dict[str, Any]]]


def test_h1_background_task_is_no_part_of_the_response_time(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    app = FastAPI()
    app.add_api_route("/", lambda: Response("", background=BackgroundTask(asyncio.sleep, 0.4)))
    watching = monitor(app)
    talk(app)
    assert record(watching)["response_time_ms"] < 400


def test_h1_record_of_a_long_background_task_does_not_wait_for_it(
    monitor: Setup, talk: Talk, record: Record, monkeypatch: Any
) -> None:
    monkeypatch.setattr("perfectcv_traffic.capture.writer.HOLD_SECONDS", 0.05)
    written = asyncio.Event()

    async def late() -> None:
        while watching.counters.recorded == 0:
            await asyncio.sleep(0.01)
        written.set()
        raise ValueError("after the record")

    app = FastAPI()
    app.add_api_route("/", lambda: Response("", background=BackgroundTask(late)))
    watching = monitor(app)
    assert isinstance(talk(app).error, ValueError)
    assert written.is_set()
    assert record(watching)["error_message"] is None
    assert watching.counters.missed_errors == 1


def test_h2_first_byte_and_end_of_a_stream(monitor: Setup, talk: Talk, record: Record) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.sleep(0.05)
        yield b"b"

    app = FastAPI()
    app.add_api_route("/", lambda: StreamingResponse(chunks()))
    watching = monitor(app)
    talk(app)
    row = record(watching)
    assert row["response_time_ms"] - row["ttfb_ms"] >= 50


@pytest.mark.parametrize("jump", [-1e6, 1e6])
def test_h3_h4_durations_do_not_follow_the_wall_clock(
    monitor: Setup, talk: Talk, record: Record, monkeypatch: Any, jump: float
) -> None:
    real = time.time

    def app_with_jump() -> int:
        monkeypatch.setattr("time.time", lambda: real() + jump)
        return 1

    app = FastAPI()
    app.add_api_route("/", app_with_jump)
    watching = monitor(app)
    talk(app)
    monkeypatch.undo()
    row = record(watching)
    assert 0 <= row["ttfb_ms"] <= row["response_time_ms"] < 100_000
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", row["timestamp"])


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"abc-1.2_3", True),
        (b"x" * 128, True),
        (b"x" * 129, False),
        (b"", False),
        (b"a b", False),
        (b"a\nb", False),
        (b"\xff", False),
    ],
)
def test_h5_well_formed_request_id_is_kept_and_echoed(
    monitor: Setup, talk: Talk, record: Record, sent: bytes, kept: bool
) -> None:
    watching = monitor(Response(""))
    echoed = talk(watching.app, headers=[(b"X-Request-ID", sent)]).headers["x-request-id"]
    assert record(watching)["request_id"] == echoed
    if kept:
        assert echoed == sent.decode()
    else:
        assert uuid.UUID(echoed).version == 4
        assert str(uuid.UUID(echoed)) == echoed


def test_h5_request_id_of_the_application_is_left_alone(monitor: Setup, talk: Talk) -> None:
    watching = monitor(Response("", headers={"X-Request-Id": "its-own"}))
    starts = talk(watching.app).messages[0]["headers"]
    assert [value for name, value in starts if name.lower() == b"x-request-id"] == [b"its-own"]


def test_h6_same_id_twice_makes_two_records(monitor: Setup, talk: Talk, records: Records) -> None:
    watching = monitor(Response(""))
    for _ in range(2):
        talk(watching.app, headers=[(b"x-request-id", b"same")])
    rows = records(watching)
    assert [row["request_id"] for row in rows] == ["same", "same"]
    assert rows[0]["event_id"] != rows[1]["event_id"]


@pytest.mark.parametrize(
    ("header", "trace"),
    [
        (
            b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "0af7651916cd43dd8448eb211c80319c",
        ),
        (b"garbage", None),
    ],
)
def test_h7_trace_id(
    monitor: Setup, talk: Talk, record: Record, header: bytes, trace: str | None
) -> None:
    watching = monitor(Response(""))
    talk(watching.app, headers=[(b"traceparent", header)])
    assert record(watching)["trace_id"] == trace


def test_h8_waiting_for_the_writer_is_no_part_of_the_times(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    watching = monitor(Response(""), flush_interval=1.5)
    talk(watching.app)
    assert record(watching)["response_time_ms"] < 300
