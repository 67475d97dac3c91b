from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from perfectcv_traffic.fold import files
from perfectcv_traffic.fold.pool import SameProcess
from perfectcv_traffic.fold.run import Run
from perfectcv_traffic.record import TokenValidity, TrafficLog
from perfectcv_traffic.store import doctor
from perfectcv_traffic.summary import hourly, overview
from perfectcv_traffic.summary.overview import ROLLUPS
from perfectcv_traffic.summary.tables import TABLES

Query = Callable[..., list[tuple[Any, ...]]]
Line = Callable[..., bytes]
Contents = dict[str, list[tuple[Any, ...]]]


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


@pytest.fixture
def summary(query: Query) -> Callable[[Path], Contents]:
    """Every row of every summary table of a database."""

    def of(db: Path) -> Contents:
        tables = (*TABLES, *(rollup.table for rollup in ROLLUPS))
        return {
            table.name: sorted(
                query(f"SELECT {', '.join(table.columns)} FROM {table.name}", database=db)
            )
            for table in tables
        }

    return of


@pytest.fixture
def folded() -> Callable[[Sequence[Path]], Contents]:
    """What one fold of logs has, as `summary` gives what a database has."""

    def of(logs: Sequence[Path]) -> Contents:
        found = files.found([str(log) for log in logs])
        folding = Run(found, SameProcess(), 1).result().folding
        tables = {table.name: sorted(hourly.rows(table, folding)) for table in TABLES}
        return tables | {r.table.name: sorted(overview.rows(r, folding)) for r in ROLLUPS}

    return of


@pytest.fixture
def is_whole() -> Callable[[Path], bool]:
    """Whether nothing is wrong with a database, however deep one looks."""
    return lambda db: all(check.is_ok for check in doctor.examine(db, deep=True))
