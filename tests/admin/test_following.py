"""Answers over the ingester that the recorder itself keeps: a request is in the next one."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from perfectcv_traffic.capture import child
from perfectcv_traffic.record import TrafficLog

AUTHORIZED = {"Authorization": "Bearer an-admin-token-for-tests"}
BEHIND = "x-traffic-behind-bytes"
SECONDS = 60.0
ROUNDS = 20


def test_what_was_requested_is_in_the_next_answer(serve: Any) -> None:
    service = serve(ingest="child")
    service.client.get("/items/0")
    until_caught_up(service)

    caught_up = 0
    for number in range(2, ROUNDS + 2):
        service.client.get(f"/items/{number}", headers={"X-Request-ID": f"live-{number}"})
        answer = ask(service)
        if answer.headers[BEHIND] == "0":
            caught_up += 1
            assert answer.json()["logs"][0]["request_id"] == f"live-{number}"
            assert answer.json()["total_records"] == number
    # The wait is bounded, so a slow machine may miss it now and then, but it says so.
    assert caught_up


def until_caught_up(service: Any) -> None:
    deadline = time.monotonic() + SECONDS
    while (answer := ask(service)).status_code != 200 or answer.headers[BEHIND] != "0":
        assert time.monotonic() < deadline, answer.text


def ask(service: Any) -> Any:
    query = {"limit": 1}
    return service.client.get("/admin/request-logs", params=query, headers=AUTHORIZED)


def test_a_prompted_ingester_does_not_wait_for_its_next_poll(tmp_path: Path) -> None:
    log, db = tmp_path / "a.log", tmp_path / "a.db"
    log.write_bytes(line("first"))
    process = child.start(
        [sys.executable, "-m", "perfectcv_traffic", "ingest", "--follow", "--until-stdin-closes",
         "--poll", "60", str(log), "--db", str(db)]
    )  # fmt: skip
    try:
        until_stored(db, 1)  # at once: it looks when it starts
        with log.open("ab") as file:
            file.write(line("second"))
        assert process.stdin
        os.write(process.stdin.fileno(), b"\n")
        until_stored(db, 2)
    finally:
        child.end(process, patience=SECONDS)


def line(request_id: str) -> bytes:
    return msgspec.json.encode(TrafficLog(request_id=request_id, event_id=request_id)) + b"\n"


def until_stored(db: Path, rows: int) -> None:
    """Wait until so many rows are there, well before the next poll."""
    deadline = time.monotonic() + SECONDS / 2
    while stored(db) < rows:
        assert time.monotonic() < deadline


def stored(db: Path) -> int:
    try:
        with closing(sqlite3.connect(f"{db.as_uri()}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM api_requests").fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # not made yet
