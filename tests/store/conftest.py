from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from perfectcv_traffic.record import TokenValidity, TrafficLog

Query = Callable[..., list[tuple[Any, ...]]]
Line = Callable[..., bytes]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "api_traffic.log"


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "traffic_monitor.db"


@pytest.fixture
def line() -> Line:
    """A line of our own log about request number `number`."""

    def make(number: int, **changes: Any) -> bytes:
        values: dict[str, Any] = {
            "request_id": f"r{number}",
            "event_id": f"e{number:08}",
            "timestamp": f"2026-11-21T{number % 24:02}:00:00.{number % 1000:03}000Z",
            "method": "GET",
            "path": f"/items/{number}",
            "route": "/items/{id}",
            "status_code": 500 if number % 10 == 0 else 200,
            "client_ip": f"10.0.0.{number % 5}",
            "token_present": number % 2 == 0,
            "token_validity": TokenValidity.VALID if number % 2 == 0 else TokenValidity.ABSENT,
            "response_time_ms": number % 97 + 0.25,
        }
        return msgspec.json.encode(TrafficLog(**{**values, **changes})) + b"\n"

    return make


@pytest.fixture
def foreign_line() -> Line:
    """A line of a foreign log: nothing but its content tells it from another."""

    def make(number: int, **_: Any) -> bytes:
        return (
            b'10.0.0.%d - - [21/Nov/2026:10:%02d:%02d +0000] "GET /items/%d HTTP/1.1" 200 %d\n'
            % (number % 5, number // 60 % 60, number % 60, number, number)
        )

    return make


@pytest.fixture
def query(db: Path) -> Query:
    def run(sql: str, *parameters: Any, database: Path = db) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(database)
        try:
            return connection.execute(sql, parameters).fetchall()
        finally:
            connection.close()

    return run
