"""The composing child: the same lines, nothing lost whichever process ends."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request

from perfectcv_traffic import Monitor, TrafficLog, setup_monitoring
from perfectcv_traffic.capture import composing_child
from perfectcv_traffic.store.ingest import ingest

pytestmark = pytest.mark.skipif(not composing_child.IS_SUPPORTED, reason="needs Unix sockets")

Talk = Callable[..., Any]
Until = Callable[[Callable[[], Any]], None]

OWN_TO_A_RECORD = {
    "event_id", "request_id", "request_time_ms", "response_headers", "response_time_ms",
    "timestamp", "ttfb_ms",
}  # fmt: skip


def application() -> FastAPI:
    app = FastAPI()

    @app.api_route("/items/{key}", methods=["GET", "POST"])
    async def item(key: str, request: Request) -> dict[str, Any]:
        if key == "broken":
            raise ValueError("password=hunter2hunter2")
        return {"key": key, "sent": len(await request.body()), "nothing": None, "token": "s3cr3t"}

    @app.get("/reset/{token}")
    def reset(token: str) -> None: ...

    return app


def child_of(monitor: Monitor) -> composing_child.ComposingChild:
    child = monitor._composing_child
    assert child is not None
    return child


def be_impatient(monitor: Monitor) -> None:
    """Give the child that is at work, and none after it, little time."""
    channel = child_of(monitor)._channel
    assert channel is not None
    channel.set_timeout(0.5)


@pytest.fixture
def beside(
    log: Path, talk: Talk, until: Until, monkeypatch: Any
) -> Iterator[Callable[..., Monitor]]:
    """`setup_monitoring` with the child at work already."""
    monkeypatch.setattr(composing_child, "START_DELAY", 0.0)
    made: list[Monitor] = []

    def make(app: Any, **given: Any) -> Monitor:
        made.append(setup_monitoring(app, **{"log": log, "ingest": "off", **given}))
        monitor = made[-1]

        def is_ready() -> bool:
            talk(monitor.app, path="/first")
            return monitor.flush(10) and child_of(monitor).pid is not None

        until(is_ready)
        return monitor

    yield make
    for each in made:
        each.close()


def lines(log: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in log.read_bytes().splitlines()]
    return [row for row in rows if row["path"] != "/first"]


def exchanges(talk: Talk, app: Any) -> None:
    talk(app, path="/items/1?full=&api_key=0123456789abcdef", client=("198.51.100.7", 1))
    talk(
        app, "POST", "/items/2", body=[b'{"password":', b'"hunter2hunter2","x":null}'],
        headers=[(b"content-type", b"application/json"), (b"cookie", b"session=abcdef")],
    )  # fmt: skip
    talk(app, path="/items/broken", headers=[(b"authorization", b"Bearer 0123456789abcdef")])
    talk(app, "PUT", "/nowhere", body=b"text", headers=[(b"content-type", b"text/plain")])
    talk(app, path="/nowhere", headers=[(b"referer", b"http://a/reset/hunter2hunter2")])


def comparable(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in OWN_TO_A_RECORD} for row in rows]


def test_child_writes_the_lines_that_the_thread_writes(
    beside: Any, monitor: Any, talk: Talk, log: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.log"
    with_child = beside(application(), redact=["sent"])
    in_thread = monitor(application(), log=other, composing="thread", redact=["sent"])
    for each in (with_child, in_thread):
        exchanges(talk, each.app)
        assert each.flush(20)
        assert each.counters.lost == each.counters.faults == 0
    assert comparable(lines(log)) == comparable(lines(other))
    assert len(lines(log)) == 5
    assert child_of(with_child).pid
    assert b"hunter2" not in log.read_bytes()


def test_counters_tell_what_the_child_did(beside: Any, talk: Talk, log: Path) -> None:
    watching = beside(application(), sample_rate=0.0)
    before = watching.counters.recorded
    talk(watching.app, path="/health")  # 404: recorded all the same
    talk(watching.app, path="/items/1")  # holds a null
    assert watching.flush(20)
    assert watching.counters.recorded == before + 2
    assert [row["path"] for row in lines(log)] == ["/health", "/items/1"]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_child_outlasts_signals_to_the_whole_service(
    beside: Any, talk: Talk, log: Path, name: str
) -> None:
    watching = beside(application())
    pid = child_of(watching).pid
    assert pid is not None
    os.kill(pid, getattr(signal, name))
    talk(watching.app, path="/items/1")
    assert watching.flush(20)
    assert child_of(watching).pid == pid
    assert len(lines(log)) == 1


def test_killed_child_loses_nothing_and_is_replaced(
    beside: Any, talk: Talk, log: Path, until: Until, caplog: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(composing_child, "RETRY_INTERVAL", 0.0)
    watching = beside(application())
    first = child_of(watching).pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    for key in range(5):
        talk(watching.app, path=f"/items/{key}")
    assert watching.flush(20)
    assert sorted(row["path"] for row in lines(log)) == [f"/items/{key}" for key in range(5)]
    assert "they are recorded in the application's process for now" in caplog.text

    def is_replaced() -> bool:
        talk(watching.app, path="/first")
        return watching.flush(20) and child_of(watching).pid not in (None, first)

    until(is_replaced)
    assert watching.counters.lost == 0


def test_child_that_hangs_is_replaced(
    beside: Any, talk: Talk, log: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(composing_child, "ANSWER_SECONDS", 60.0)
    watching = beside(application())
    pid = child_of(watching).pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    be_impatient(watching)
    talk(watching.app, path="/items/1")
    assert watching.flush(120)
    assert child_of(watching).pid not in (None, pid)
    assert [row["path"] for row in lines(log)] == ["/items/1"]
    # Had the child written them before it was ended, they would be the same lines twice.
    log.write_bytes(log.read_bytes() * 2)
    counts = ingest([log], tmp_path / "t.db")
    assert counts.new == counts.duplicate


FATAL = """
import os, signal
from perfectcv_traffic.capture import composing_process
compose = composing_process.Composer.compose
def fatal(self, exchange):
    sent = exchange.request_body.head + exchange.query_string
    if b"kills" in sent:
        os.kill(os.getpid(), signal.SIGKILL)
    if b"hangs" in sent:
        signal.pause()
    return compose(self, exchange)
composing_process.Composer.compose = fatal
composing_process.main()
"""
"""A child that can do what no request should make one do."""


@pytest.fixture
def fragile(
    log: Path, talk: Talk, monitor: Any, until: Until, monkeypatch: Any
) -> Callable[..., Monitor]:
    """`setup_monitoring` with a child at work that some requests kill or hang."""
    monkeypatch.setattr(composing_child, "START_DELAY", 0.0)

    monkeypatch.setattr(composing_child, "ANSWER_SECONDS", 60.0)

    def make() -> Monitor:
        watching: Monitor = monitor(application(), flush_interval=60)  # they come in one batch
        child_of(watching).command = [sys.executable, "-c", FATAL]

        def is_ready() -> bool:
            talk(watching.app, path="/first")
            return watching.flush(20) and child_of(watching).pid is not None

        until(is_ready)
        return watching

    return make


@pytest.mark.parametrize("what", ["kills", "hangs"])
def test_body_that_a_child_fails_over_is_recorded_by_a_new_one_without_bodies(
    fragile: Any, talk: Talk, log: Path, caplog: Any, what: str
) -> None:
    watching = fragile()
    first = child_of(watching).pid
    if what == "hangs":
        be_impatient(watching)
    for key in range(3):
        body = what.encode() if key == 1 else b""
        talk(watching.app, "POST", f"/items/{key}", body=body)
    assert watching.flush(120)
    rows = lines(log)
    assert [row["path"] for row in rows] == [f"/items/{key}" for key in range(3)]
    assert [row.get("request_body_note") for row in rows] == [None, "dropped", None]
    assert [row.get("request_body") for row in rows] == [None] * 3  # so no one here read it
    assert child_of(watching).pid not in (None, first)
    assert (watching.counters.lost, watching.counters.bodies_dropped) == (0, 3)
    assert "tried in a new one, without bodies" in caplog.text


def test_request_that_children_fail_over_is_lost_alone_and_said_to_be(
    fragile: Any, talk: Talk, log: Path, caplog: Any
) -> None:
    watching = fragile()
    for key, query in enumerate(["", "?kills", "", ""]):
        talk(watching.app, path=f"/items/{key}{query}")
    assert watching.flush(120)
    found = [(row["path"], row.get("lost_before", 0)) for row in lines(log)]
    assert found == [("/items/0", 0), ("/items/2", 1), ("/items/3", 0)]
    assert watching.counters.failed == 1
    assert child_of(watching).pid is not None
    assert "the request that it had is not recorded" in caplog.text


def test_batch_that_kills_every_child_is_not_recorded_in_the_application_s_process(
    fragile: Any, talk: Talk, log: Path
) -> None:
    watching = fragile()
    for key in range(4):
        talk(watching.app, path=f"/items/{key}?kills")
    assert watching.flush(120)
    assert lines(log) == []
    assert watching.counters.failed == 4
    assert child_of(watching).pid is None
    talk(watching.app, path="/items/after")
    assert watching.flush(20)
    assert [(row["path"], row.get("lost_before", 0)) for row in lines(log)] == [("/items/after", 4)]


def test_child_that_cannot_start_leaves_recording_to_the_thread(
    monitor: Any, talk: Talk, log: Path, caplog: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(composing_child, "START_DELAY", 0.0)
    watching = monitor(application())
    child_of(watching).command = ["/nonexistent/python"]
    talk(watching.app, path="/items/1")
    assert watching.flush(20)
    assert len(lines(log)) == 1
    assert "they are recorded in the application's process for now" in caplog.text


def test_process_that_is_no_python_starts_no_child(
    monitor: Any, talk: Talk, log: Path, caplog: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(composing_child, "START_DELAY", 0.0)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    watching = monitor(application())
    talk(watching.app, path="/items/1")
    assert watching.flush(20)
    assert len(lines(log)) == 1
    assert "is no Python" in caplog.text


def test_modules_in_the_working_directory_do_not_reach_the_child(
    beside: Any, talk: Talk, log: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    for name in ("queue", "token", "signal", "msgspec"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the application has this module')")
    monkeypatch.chdir(tmp_path)
    watching = beside(application())  # waits for the child
    talk(watching.app, path="/items/1")
    assert watching.flush(20)
    assert len(lines(log)) == 1


def test_what_is_no_plain_data_is_recorded_by_the_thread(
    beside: Any, talk: Talk, log: Path
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        sent = [["X-Text", "as text"], (b"x-bytes", b"as bytes")]
        await send({"type": "http.response.start", "status": 200, "headers": sent})
        await send({"type": "http.response.body", "body": memoryview(b"{}")})

    watching = beside(app)
    talk(watching.app, path="/sloppy")
    assert watching.flush(20)
    (row,) = lines(log)
    assert row["response_headers"] == {"x-text": "as text", "x-bytes": "as bytes"}
    assert child_of(watching).pid


def test_trouble_of_the_child_is_told_by_the_application(
    beside: Any, talk: Talk, log: Path, caplog: Any
) -> None:
    watching = beside(application())
    log.unlink()
    log.symlink_to("/dev/full")
    talk(watching.app, path="/items/1")
    assert watching.flush(20)
    assert watching.counters.unwritten == 1
    assert f"traffic is not recorded: {log}: {os.strerror(errno.ENOSPC)}" in caplog.text
    log.unlink()
    talk(watching.app, path="/items/2")
    assert watching.flush(20)
    assert [(row["path"], row["lost_before"]) for row in lines(log)] == [("/items/2", 1)]


class OwnLog(TrafficLog):
    tenant: str | None = None


@pytest.mark.parametrize(
    "own",
    [{"model": OwnLog}, {"enrich": print}, {"verify_token": len}, {"redact_text": str},
     {"composing": "thread"}],
    ids=lambda own: next(iter(own)),
)  # fmt: skip
def test_functions_of_the_application_stay_in_its_process(monitor: Any, own: Any) -> None:
    assert monitor(application(), **own)._composing_child is None


def test_forked_worker_gets_a_child_of_its_own(log: Path) -> None:
    script = """
import asyncio, os, sys, time
from starlette.responses import Response
from perfectcv_traffic import setup_monitoring
from perfectcv_traffic.capture import composing_child
composing_child.START_DELAY = 0.0
async def request(path):
    async def send(message): ...
    await monitor.app({"type": "http", "method": "GET", "path": path, "headers": []}, None, send)
def ready():
    deadline = time.monotonic() + 60
    while monitor._composing_child.pid is None:
        assert time.monotonic() < deadline
        asyncio.run(request("/first"))
        assert monitor.flush(20)
    return monitor._composing_child.pid
monitor = setup_monitoring(Response(""), log=sys.argv[1], ingest="off")
pid = ready()
worker = os.fork()
if worker == 0:
    code = 1
    try:
        code = 2 if ready() == pid else 0
        monitor.close()
    finally:
        os._exit(code)
assert os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) == 0
asyncio.run(request("/parent"))
assert monitor.flush(20)
assert ready() == pid
monitor.close()
"""
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(log)], check=True, timeout=120
    )
    rows = [json.loads(line) for line in log.read_bytes().splitlines()]
    assert len({row["event_id"] for row in rows}) == len(rows)
    assert len({row["event_id"][:16] for row in rows}) == 2
    assert len(lines(log)) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_killed_worker_loses_nothing_that_was_shipped(
    log: Path, until: Until, has_ended: Callable[[int], bool]
) -> None:
    script = """
import asyncio, os, signal, sys, time
from starlette.responses import Response
from perfectcv_traffic import setup_monitoring
from perfectcv_traffic.capture import composing_child
composing_child.START_DELAY = 0.0
async def request(path):
    async def send(message): ...
    await monitor.app({"type": "http", "method": "GET", "path": path, "headers": []}, None, send)
monitor = setup_monitoring(Response(""), log=sys.argv[1], ingest="off")
child = monitor._composing_child
deadline = time.monotonic() + 60
while child.pid is None:
    assert time.monotonic() < deadline
    asyncio.run(request("/first"))
    assert monitor.flush(20)
os.kill(child.pid, signal.SIGSTOP)     # it will not even begin before this process is gone
ship = child._channel.send
def die_after(message):
    ship(message)
    print(child.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
child._channel.send = die_after
for number in range(20):
    asyncio.run(request(f"/{number}"))
time.sleep(60)
"""
    worker = subprocess.Popen([sys.executable, "-c", script, str(log)], stdout=subprocess.PIPE)
    with worker:
        assert worker.stdout is not None
        pid = int(worker.stdout.readline())
        worker.wait(60)
    os.kill(pid, signal.SIGCONT)
    until(lambda: has_ended(pid))
    found = [row["path"] for row in lines(log)]
    assert found == [f"/{number}" for number in range(len(found))]
    assert found


def test_shutdown_waits_for_the_child(beside: Any, talk: Talk, log: Path) -> None:
    watching = beside(application(), flush_interval=60)
    talk(watching.app, path="/items/1")
    asyncio.run(watching.shutdown())
    assert len(lines(log)) == 1
