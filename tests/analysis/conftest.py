"""Records with defaults, and the frames that analyses read."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import pytest

from perfectcv_traffic.analysis import recent
from perfectcv_traffic.analysis.frames import Extras, Frames, Health, frames
from perfectcv_traffic.analysis.rows import of_summary
from perfectcv_traffic.record import NullDetail, TrafficLog
from perfectcv_traffic.summary.summary import Summary
from perfectcv_traffic.summary.tables import CLIENTS

BuildFrames = Callable[..., Frames]


class MakeRecord(Protocol):
    def __call__(self, **changes: Any) -> TrafficLog: ...


@pytest.fixture
def make_record() -> MakeRecord:
    """One ordinary request, with what a test is about changed."""
    numbers = itertools.count()
    defaults: dict[str, Any] = {
        "timestamp": "2026-11-21T22:05:00.123456Z",
        "method": "GET",
        "path": "/users/1",
        "route": "/users/{id}",
        "status_code": 200,
        "token_validity": "valid",
        "auth_required": True,
        "response_time_ms": 10.0,
    }

    def make(**changes: Any) -> TrafficLog:
        return TrafficLog(request_id=str(next(numbers)), **(defaults | changes))

    return make


@pytest.fixture
def build_frames() -> BuildFrames:
    """The frames of any records, through the summary as in production."""

    def build(
        records: Iterable[TrafficLog] = (), health: Health | None = None, **extras: Any
    ) -> Frames:
        summary, latest = Summary(), []
        for record in records:
            summary.add(record)
            latest.append(recent.values(record))
        clients = len({key[0] for key in summary.cells(CLIENTS)})
        beside = Extras(recent=latest, client_count=clients, **extras)
        return frames(of_summary(summary), health or Health(), beside)

    return build


@pytest.fixture
def null_in() -> Callable[..., dict[str, Any]]:
    """The fields of a record that carries nulls: one in each given field of its body."""

    def fields(*paths: str, kind: Any = "json_null") -> dict[str, Any]:
        details = [
            NullDetail(field_name=path, field_path=path, location="json_body", kind=kind)
            for path in paths
        ]
        return {"null_params_count": len(details), "null_params_details": details}

    return fields
