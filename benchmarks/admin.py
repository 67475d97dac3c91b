"""How long the admin endpoints take over a large database.

Usage: python benchmarks/admin.py [--rows 1000000] [--folder DIR] [--calls 21]

A log of synthetic traffic is ingested as any other; then a monitored application is served with
its admin endpoints and its own ingester, which has the traffic of the last five minutes to store,
and each endpoint is called in turn with a bare endpoint of the same application. Medians and 95th
percentiles in ms.
"""

from __future__ import annotations

import argparse
import random
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import uvicorn
from fastapi import FastAPI

from perfectcv_traffic import setup_monitoring
from perfectcv_traffic.admin.live import MOST_ROWS
from perfectcv_traffic.record import NullDetail, TokenValidity, TrafficLog
from perfectcv_traffic.store.database import writing
from perfectcv_traffic.store.ingest import ingest

TOKEN = "benchmark-token"
DAYS = 14
SESSION = 40
"""Requests of one client before another takes its place."""
SCANNED = 0.05
"""Share of requests by which somebody looks for what does not exist, from ever new addresses."""
METHODS = ("GET", "GET", "GET", "POST", "PUT")
HEADERS = {f"x-header-{number}": "v" * 24 for number in range(8)}

ASKED: list[tuple[str, dict[str, Any]]] = [
    ("request-logs", {}),
    ("request-logs", {"limit": 1000}),
    ("request-logs", {"offset": 500_000}),
    ("request-logs", {"status_code": 200, "offset": 700_000}),
    ("request-logs", {"path": "/resumes/77"}),
    ("request-logs", {"path": "/resumes/19999"}),
    ("request-logs", {"path": "no-such-path"}),
    ("request-logs", {"path": "/wp-", "limit": 1000}),
    ("request-logs", {"path": "/cache", "status_code": 503}),
    ("request-logs", {"path": "/resumes/1999", "method": "PUT", "token": "absent"}),
    ("request-logs", {"method": "DELETE"}),
    ("request-logs", {"method": "PATCH"}),
    ("request-logs", {"status_code": 500}),
    ("request-logs", {"status_code": 418}),
    ("request-logs", {"client_ip": "10.0.0.7"}),
    ("request-logs", {"client_ip": "192.0.2.1"}),
    ("request-logs", {"client_ip": "10.0.0.7", "status_code": 500, "path": "/list"}),
    ("request-logs", {"token": "0007...abcd"}),
    ("request-logs", {"token": "1999...abcd"}),
    ("request-logs", {"token": "invalid"}),
    ("request-logs", {"token": "absent", "status_code": 401}),
    ("request-logs", {"has_nulls": True}),
    ("request-logs", {"has_nulls": True, "failed": True, "method": "DELETE"}),
    ("request-logs", {"failed": True}),
    ("request-logs", {"since": "2026-01-08", "until": "2026-01-09"}),
    ("request-logs", {"since": "2026-01-03", "client_ip": "10.0.0.7"}),
    ("request-logs", {"request_id": "request-500000"}),
    ("request-logs", {"include_admin": True}),
    ("request-stats", {}),
    ("request-stats", {"since": "2026-01-08", "until": "2026-01-09"}),
    ("request-stats", {"since": "2026-01-05"}),
    ("null-logs", {}),
    ("null-logs", {"offset": 90_000}),
    ("null-logs", {"null_type": "request_parameter"}),
    ("null-logs", {"null_type": "response_field", "path": "/cache"}),
    ("null-logs", {"path": "no-such-path"}),
    ("rate-limits", {}),
    ("rate-limits", {"limit": 1000}),
    ("rate-limits", {"offset": 20_000}),
    ("rate-limits", {"client_identifier": "0007...abcd"}),
    ("rate-limits", {"client_identifier": "0000...abcd"}),
    ("url-stats", {}),
    ("url-stats", {"limit": 1000}),
    ("uuid-logs", {}),
    ("uuid-logs", {"uuid": "00000007"}),
    ("uuid-logs", {"offset": 19_000}),
    ("live", {}),
    ("live", {"seconds": 3600}),
    ("metrics", {}),
]


def write_log(path: Path, rows: int) -> None:
    """Traffic of two weeks: a few busy clients and paths, many rare ones, in bursts."""
    choose, encode = random.Random(1), msgspec.json.Encoder().encode
    start = datetime(2026, 1, 1, tzinfo=UTC)
    paths = _paths()
    sessions = [_session(choose, paths) for _ in range(20)]
    with path.open("wb") as log:
        for number in range(rows):
            when = start + timedelta(days=DAYS * number / rows)
            session = choose.randrange(len(sessions))
            client, places = sessions[session]
            place: tuple[str, str | None] = choose.choice(places)
            if choose.random() < 1 / SESSION:
                sessions[session] = _session(choose, paths)
            if choose.random() < SCANNED:
                client, place = _scan(choose)
            log.write(encode(_record(choose, number, when, client, place)) + b"\n")


def _session(
    choose: random.Random, paths: list[tuple[str, str]]
) -> tuple[int, list[tuple[str, str]]]:
    """A client, and the paths that it asks for again and again while it is there."""
    places = [paths[int(len(paths) * choose.random() ** 3)] for _ in range(8)]
    return int(2000 * choose.random() ** 4), [*places, *[paths[0]] * 8]


def _paths() -> list[tuple[str, str]]:
    paths = [("/cache", "/cache"), ("/api/v1/jobs", "/api/v1/jobs")]
    paths += [(f"/api/v1/area{n}/list", f"/api/v1/area{n}/list") for n in range(30)]
    paths += [(f"/api/v1/resumes/{n}", "/api/v1/resumes/{id}") for n in range(20_000)]
    return paths


def _scan(choose: random.Random) -> tuple[int, tuple[str, None]]:
    """A client that is seen once or twice, and what it looks for."""
    return choose.randrange(2000, 60_000), (f"/wp-{choose.randrange(200_000)}/setup.php", None)


def _record(
    choose: random.Random, number: int, when: datetime, client: int, place: tuple[str, str | None]
) -> TrafficLog:
    path, route = place
    has_token, has_null = choose.random() < 0.6, choose.random() < 0.1
    status = choose.choices([200, 201, 204, 401, 404, 500, 503], [80, 8, 1, 5, 4, 1.9, 0.1])[0]
    status = status if route else 404
    null = NullDetail(
        field_name="team", field_path="data.team", location="json_body", kind="json_null"
    )
    validity = TokenValidity.INVALID if status == 401 else TokenValidity.VALID
    return TrafficLog(
        request_id=f"request-{number}",
        event_id=f"event-{number:020x}",
        timestamp=when.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        method="DELETE" if choose.random() < 0.001 else METHODS[len(route or "") % len(METHODS)],
        url=f"http://api.example{path}",
        path=path,
        route=route,
        request_headers=HEADERS,
        response_headers=HEADERS,
        response_body="b" * 200,
        request_bytes=100,
        response_bytes=200,
        client_ip=f"10.0.{client // 250}.{client % 250}",
        token_present=has_token,
        token_validity=validity if has_token else TokenValidity.ABSENT,
        api_token=f"{client:04d}...abcd" if has_token else None,
        status_code=status,
        response_time_ms=choose.lognormvariate(2.5, 1),
        complete=True,
        null_response_count=int(has_null),
        null_response_details=[null] if has_null else [],
        request_data_summary=f"GET {path}",
        login_uuid=f"{client:08d}" if choose.random() < 0.02 else None,
    )


def write_recent(log: Path) -> None:
    """As many requests of the last five minutes as the dashboard looks at, the newest last."""
    choose, encode, now = random.Random(2), msgspec.json.Encoder().encode, datetime.now(UTC)
    paths = _paths()
    with log.open("wb") as file:
        for number in range(MOST_ROWS):
            when = now - timedelta(seconds=300 * (1 - number / MOST_ROWS))
            place = paths[int(len(paths) * choose.random() ** 3)]
            record = _record(choose, number, when, int(2000 * choose.random() ** 4), place)
            record.event_id = f"recent-{now.timestamp()}-{number}"
            file.write(encode(record) + b"\n")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a monitored application over the folder's database, with an ingester."""
    app = FastAPI()
    app.add_api_route("/bare", lambda: {"status": "success"})
    log, db = folder / f"live-{time.time():.0f}.log", folder / "traffic.db"
    write_recent(log)
    settings: dict[str, Any] = {"admin_token": TOKEN, "admin_metrics": True}
    monitor = setup_monitoring(app, log=log, db=db, **settings)
    listener = socket.create_server(("127.0.0.1", 0))
    # asyncio does this only for sockets of its own; without it each answer waits 40 ms for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield "http://{}:{}".format(*listener.getsockname())
    server.should_exit = True
    thread.join()
    monitor.close()


def measure(address: str, calls: int) -> None:
    """Call each endpoint and the bare one in turn; print a table."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    print("| endpoint | query | median ms | p95 ms | behind bytes, most |\n|---|---|---|---|---|")
    bare: list[float] = []
    with httpx.Client(base_url=address, headers=headers, timeout=60) as client:
        while _timed(client, "/admin/request-logs", {"limit": 1})[1]:
            time.sleep(0.2)  # until the ingester has stored what was there before
        for endpoint, query in ASKED:
            times, behind = [], 0
            for _ in range(calls):
                bare.append(_timed(client, "/bare", {})[0])
                took, lag = _timed(client, f"/admin/{endpoint}", query)
                times.append(took)
                behind = max(behind, lag)
            said = " ".join(f"{name}={value}" for name, value in query.items())
            print(f"| {endpoint} | {said} | {_numbers(times)} | {behind} |", flush=True)
    print(f"| a bare endpoint | | {_numbers(bare)} | |")


def _timed(client: httpx.Client, path: str, query: dict[str, Any]) -> tuple[float, int]:
    start = time.perf_counter()
    answer = client.get(path, params=query)
    took = 1000 * (time.perf_counter() - start)
    assert answer.status_code == 200, answer.text
    return took, int(answer.headers.get("x-traffic-behind-bytes", 0))


def _numbers(times: list[float]) -> str:
    return f"{statistics.median(times):.1f} | {statistics.quantiles(times, n=20)[-1]:.1f}"


def main() -> None:
    """Make the database unless the folder has one, then measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--calls", type=int, default=21)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp())
    folder.mkdir(exist_ok=True, parents=True)
    if not (folder / "traffic.db").is_file():
        write_log(folder / "traffic.log", options.rows)
        start = time.perf_counter()
        ingest([folder / "traffic.log"], folder / "traffic.db")
        print(f"{options.rows} lines ingested in {time.perf_counter() - start:.0f} s in {folder}")
    with writing(folder / "traffic.db"):  # one that an older version made is brought up to date
        pass
    with served(folder) as address:
        measure(address, options.calls)


if __name__ == "__main__":
    main()
