"""Pages of clients are the right ones whoever of them called the admin endpoints, and how often."""

from __future__ import annotations

import random
import sqlite3
from functools import partial
from pathlib import Path

import msgspec
import pytest

from perfectcv_traffic.admin import clients
from perfectcv_traffic.admin.database import Database
from perfectcv_traffic.admin.scope import Prefix
from perfectcv_traffic.admin.windows import RateLimit
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.store.ingest import ingest


def request(client: str, number: int, path: str) -> TrafficLog:
    return TrafficLog(
        request_id=f"{client}-{path}-{number}",
        event_id=f"{client}-{path}-{number}",
        timestamp=f"2026-01-01T{number % 24:02}:00:00.000000Z",
        method="GET",
        path=path,
        route=path,
        client_ip=client,
        status_code=200,
    )


def page(connection: sqlite3.Connection, *, limit: int, offset: int) -> list[clients.Client]:
    return clients.busiest(connection, Prefix("/admin"), limit, offset, RateLimit())


@pytest.mark.parametrize("share", [0, 0.1, 0.7, 1])
def test_pages_are_those_of_all_clients_in_order(
    tmp_path: Path, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "_MARGIN", 1)
    choose = random.Random(4)
    ordinary = {f"10.0.0.{number}": choose.choice([0, 1, 1, 2, 3, 5]) for number in range(40)}
    admin = {name: choose.choice([1, 2, 4]) for name in ordinary if choose.random() < share}
    made = [(name, n, "/a") for name, count in ordinary.items() for n in range(count)]
    made += [(name, n, "/admin/live") for name, count in admin.items() for n in range(count)]
    (tmp_path / "a.log").write_bytes(
        b"".join(msgspec.json.encode(request(*one)) + b"\n" for one in made)
    )
    ingest([tmp_path / "a.log"], tmp_path / "a.db")
    database = Database(tmp_path / "a.db")
    expected = sorted(((-n, name) for name, n in ordinary.items() if n))

    for limit in (1, 3, 7, 100):
        for offset in range(len(expected) + 2):
            found = database.read_now(partial(page, limit=limit, offset=offset))
            names = [(-one.total_requests, one.client_identifier) for one in found]
            assert names == expected[offset : offset + limit]
