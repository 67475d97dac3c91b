"""A process beside the API gives way to it; the API's own process never does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from perfectcv_traffic.capture import channel, composing_process, preemption
from perfectcv_traffic.capture.channel import Batch, Start
from perfectcv_traffic.capture.exchange import Exchange, begin
from perfectcv_traffic.capture.preemption import PreemptionPoints
from perfectcv_traffic.capture.writer import BATCH_BYTES
from perfectcv_traffic.settings import Settings

LONG = 3600.0


@pytest.fixture
def yields(monkeypatch: Any) -> list[None]:
    """One for each time the core was given away."""
    found: list[None] = []
    monkeypatch.setattr(preemption, "_give_way", lambda: found.append(None))
    return found


def test_each_point_gives_way_until_patience_ends(yields: list[None]) -> None:
    patient, late = PreemptionPoints(LONG, 0.0), PreemptionPoints(0.0, 0.0)
    for points in (patient, late):
        points()  # nothing has begun
        points.begin()
        points()
        points()
    assert len(yields) == 2


def test_core_is_given_away_only_after_some_work(yields: list[None]) -> None:
    points = PreemptionPoints(2 * LONG, LONG)
    points.begin()
    points()
    assert not yields


def test_sandbox_that_forbids_giving_way_is_no_trouble(monkeypatch: Any) -> None:
    asked: list[None] = []

    def refuse() -> None:
        asked.append(None)
        raise PermissionError

    monkeypatch.setattr(preemption, "_give_way", refuse)
    points = PreemptionPoints(LONG, 0.0)
    for _ in range(2):
        points.begin()
        points()
    assert len(asked) == 1


def test_this_system_can_give_way() -> None:
    points = PreemptionPoints(LONG, 0.0)
    points.begin()
    points()


def batch_of(*bodies: bytes) -> Batch[Exchange]:
    return Batch(0, [exchange_with(body) for body in bodies])


def exchange_with(body: bytes) -> Exchange:
    made = begin({"method": "GET", "path": "/", "headers": []}, "id", "event", (1.0, 1.0))
    made.request_body.add(body, len(body))
    return made


def answer(batch: Batch[Exchange], log: Path) -> int:
    """What the child makes of a batch: how many records."""
    points = PreemptionPoints(LONG, 0.0)
    recorder = composing_process._recorder(Start(Settings(log=str(log))), points)
    said = composing_process._Said()
    found = composing_process._answer(recorder, channel.encode(batch), said, points)
    recorder.close()
    assert found.outcome is not None
    return found.outcome.recorded


def test_child_gives_way_before_each_record(yields: list[None], log: Path) -> None:
    assert answer(batch_of(b"", b"", b""), log) == 3
    assert len(yields) == 3


def test_child_gives_way_no_more_when_the_worker_gets_ahead(yields: list[None], log: Path) -> None:
    half = b"x" * (BATCH_BYTES // 2)
    assert answer(batch_of(half, half), log) == 2
    assert yields == []


def test_application_never_gives_way(
    yields: list[None], monitor: Callable[..., Any], talk: Callable[..., Any]
) -> None:
    watching = monitor(Response(""), composing="thread")
    for _ in range(3):
        talk(watching.app)
    assert watching.flush(20)
    assert watching.counters.recorded == 3
    assert yields == []
