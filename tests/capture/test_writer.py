"""Writer, durability, files."""

from __future__ import annotations

import errno
import gc
import json
import logging
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fastapi import FastAPI, Request, Response

from perfectcv_traffic.capture.append_only_log import AppendOnlyLog
from perfectcv_traffic.capture.batch_recorder import BatchRecorder
from perfectcv_traffic.capture.exchange import Exchange, begin
from perfectcv_traffic.capture.outcome import Counters, Outcome
from perfectcv_traffic.capture.sampler import Sampler
from perfectcv_traffic.capture.writer import LogWriter, QueueLimits
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.settings import Settings

Talk = Callable[..., Any]
Setup = Callable[..., Any]
Record = Callable[[Any], dict[str, Any]]
Records = Callable[[Any], list[dict[str, Any]]]

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")


class Plain:
    """A composer that waits for leave and fails on the path `/poison`."""

    def __init__(self) -> None:
        self.leave = threading.Event()
        self.leave.set()
        self.entered = threading.Event()

    def compose(self, exchange: Exchange) -> TrafficLog:
        self.entered.set()
        self.leave.wait(20)
        if exchange.path == "/poison":
            raise ValueError("cannot be made")
        return TrafficLog(request_id=exchange.request_id, path=exchange.path)

    def close(self) -> None: ...


def exchange_of(path: str = "/", body: bytes = b"") -> Exchange:
    made = begin({"method": "GET", "path": path, "headers": []}, "id", "event", (1.0, 1.0))
    made.request_body.add(body, 10_000)
    return made


def writer(log: Path, composer: Plain, records: int = 100, size: int = 10**9) -> LogWriter:
    here = BatchRecorder(AppendOnlyLog(log), Sampler(Settings(excluded_paths=())), composer)
    limits = QueueLimits(records, size, 0.001)
    return LogWriter(here, limits, Counters())


def lines(log: Path) -> list[dict[str, Any]]:
    left_out = msgspec.structs.asdict(TrafficLog(request_id=""))
    return [{**left_out, **json.loads(line)} for line in log.read_bytes().splitlines()]


def test_i1_full_queue_drops_and_says_how_many(log: Path, caplog: Any) -> None:
    composer = Plain()
    composer.leave.clear()
    sink = writer(log, composer, records=3)
    sink.submit(exchange_of("/first"))
    assert composer.entered.wait(20)  # the thread holds it, the queue is empty
    for _ in range(10):
        sink.submit(exchange_of("/next"))
    composer.leave.set()
    assert sink.flush(20)
    sink.submit(exchange_of("/last"))
    assert sink.flush(20)
    sink.close()
    assert (sink.counters.recorded, sink.counters.dropped) == (5, 7)
    assert [line["lost_before"] for line in lines(log)] == [0, 7, 0, 0, 0]
    assert sum(line["lost_before"] for line in lines(log)) == sink.counters.lost
    assert "7 requests so far came too fast to be recorded" in caplog.text


def test_i1_too_many_bytes_drop_bodies_before_rows(log: Path) -> None:
    composer = Plain()
    composer.leave.clear()
    sink = writer(log, composer, size=20_000)
    sink.submit(exchange_of("/first"))
    assert composer.entered.wait(20)
    waiting = [exchange_of("/next", b"x" * 5000) for _ in range(5)]
    for exchange in waiting:
        sink.submit(exchange)
    kept = [exchange.request_body.kept for exchange in waiting]
    assert kept == [5000, 5000, 0, 0, 0]
    assert [exchange.request_body.size for exchange in waiting] == [5000] * 5
    composer.leave.set()
    sink.close()
    assert (sink.counters.recorded, sink.counters.bodies_dropped) == (6, 3)


def test_i1_what_waits_for_its_background_tasks_counts_as_waiting(log: Path) -> None:
    composer = Plain()
    composer.leave.clear()
    sink = writer(log, composer, records=5, size=20_000)
    sink.submit(exchange_of("/first"))
    assert composer.entered.wait(20)  # the thread holds it, the queue is empty
    held = [exchange_of("/held", b"x" * 5000) for _ in range(8)]
    for exchange in held:
        exchange.finished_at = time.perf_counter()
        sink.hold(exchange)
    assert [exchange.request_body.kept for exchange in held[:5]] == [5000, 5000, 0, 0, 0]
    sink.submit(exchange_of("/next"))  # for which there is no room left
    assert (sink.counters.dropped, sink.counters.bodies_dropped) == (4, 3)
    for exchange in held:
        sink.release(exchange)
    composer.leave.set()
    sink.close()
    assert (sink.counters.recorded, sink.counters.dropped) == (6, 4)
    assert [line["path"] for line in lines(log)] == ["/first"] + ["/held"] * 5


def test_i1_dropped_bodies_are_noted_in_the_record(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    watching = monitor(Response("text", media_type="text/plain"), queue_bytes=1)
    talk(watching.app)
    row = record(watching)
    assert (row["response_body"], row["response_body_note"]) == (None, "dropped")
    assert row["response_bytes"] == 4


def test_i2_poisonous_record_loses_only_itself(log: Path, caplog: Any) -> None:
    sink = writer(log, Plain())
    for path in ("/a", "/poison", "/b"):
        sink.submit(exchange_of(path))
    sink.close()
    assert [(line["path"], line["lost_before"]) for line in lines(log)] == [("/a", 0), ("/b", 1)]
    assert (sink.counters.recorded, sink.counters.failed) == (2, 1)
    assert "a request could not be recorded" in caplog.text


class Failing:
    """A recording and follower with bugs of their own."""

    def __init__(self, then: BatchRecorder) -> None:
        self.fails, self._then = True, then

    def write(self, batch: list[Exchange], untold: int) -> Outcome:
        if self.fails:
            raise RuntimeError("a bug")
        return self._then.write(batch, untold)

    def tend(self) -> float | None:
        raise RuntimeError("another bug")

    def close(self) -> None:
        self._then.close()

    def forget(self) -> None: ...


def test_writer_outlives_its_own_bugs_and_counts_what_they_cost(log: Path, caplog: Any) -> None:
    here = BatchRecorder(AppendOnlyLog(log), Sampler(Settings(excluded_paths=())), Plain())
    failing = Failing(here)
    one = LogWriter(failing, QueueLimits(100, 10**9, 0.001), Counters(), failing)
    one.submit(exchange_of("/lost"))
    assert one.flush(20)
    failing.fails = False
    for _ in range(2):
        one.submit(exchange_of("/kept"))
        assert one.flush(20)
    one.close()
    assert [(line["path"], line["lost_before"]) for line in lines(log)] == [
        ("/kept", 1), ("/kept", 0),
    ]  # fmt: skip
    assert (one.counters.failed, one.counters.recorded) == (1, 2)
    assert one.counters.faults > 1
    assert "the recorder failed" in caplog.text


class Interrupted(Plain):
    """A composer that ends the thread which calls it, once."""

    def __init__(self) -> None:
        super().__init__()
        self.is_over = False

    def compose(self, exchange: Exchange) -> TrafficLog:
        if not self.is_over:
            self.is_over = True
            raise KeyboardInterrupt
        return super().compose(exchange)


def test_thread_that_ended_is_replaced_at_the_next_request(log: Path) -> None:
    one = writer(log, Interrupted())
    one.submit(exchange_of("/lost"))
    assert one.flush(20)
    one.submit(exchange_of("/kept"))
    assert one.flush(20)
    one.close()
    assert [(line["path"], line["lost_before"]) for line in lines(log)] == [("/kept", 1)]
    assert (one.counters.failed, one.counters.recorded, one.counters.faults) == (1, 1, 1)


def test_thread_that_cannot_start_is_tried_again(log: Path, monkeypatch: Any) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    one = writer(log, Plain())
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError):
            one.submit(exchange_of("/first"))
    one.submit(exchange_of("/second"))
    assert one.flush(20)
    one.close()
    assert [line["path"] for line in lines(log)] == ["/first", "/second"]


def test_i6_torn_last_line_is_ended_before_the_next(log: Path) -> None:
    log.parent.mkdir()
    log.write_bytes(b'{"request_id":"torn')
    sink = writer(log, Plain())
    sink.submit(exchange_of("/whole"))
    sink.close()
    torn, whole = log.read_bytes().splitlines()
    assert torn == b'{"request_id":"torn'
    assert json.loads(whole)["path"] == "/whole"


@posix
def test_i8_full_disk_is_reported_once_and_recovered_from(log: Path, caplog: Any) -> None:
    log.parent.mkdir()
    log.symlink_to("/dev/full")
    sink = writer(log, Plain())
    for _ in range(5):
        sink.submit(exchange_of("/lost"))
        assert sink.flush(20)
    assert (sink.counters.recorded, sink.counters.unwritten) == (0, 5)
    assert [r.message for r in caplog.records] == [
        f"traffic is not recorded: {log}: {os.strerror(errno.ENOSPC)}"
    ]
    log.unlink()
    sink.submit(exchange_of("/kept"))
    sink.close()
    assert [(line["path"], line["lost_before"]) for line in lines(log)] == [("/kept", 5)]


@posix
def test_i8_line_cut_by_a_full_disk_is_ended(tmp_path: Path) -> None:
    # A file-size limit takes a part of a write, as a full disk does.
    script = """
import resource, signal, sys
from pathlib import Path
from perfectcv_traffic.capture.append_only_log import AppendOnlyLog
log = AppendOnlyLog(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (50, resource.RLIM_INFINITY))
assert log.append(b"a" * 39 + b"\\n") == 40
assert log.append(b"b" * 39 + b"\\n") == 10
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert log.append(b"c" * 39 + b"\\n") == 40
"""
    log = tmp_path / "log"
    subprocess.run([sys.executable, "-c", script, str(log)], check=True, timeout=60)
    assert log.read_bytes().splitlines() == [b"a" * 39, b"b" * 10, b"c" * 39]


@posix
def test_i8_lines_that_a_full_disk_took_whole_count_as_recorded(tmp_path: Path) -> None:
    script = """
import json, resource, signal, sys
from pathlib import Path
from perfectcv_traffic.capture.append_only_log import AppendOnlyLog
from perfectcv_traffic.capture.batch_recorder import BatchRecorder
from perfectcv_traffic.capture.exchange import begin
from perfectcv_traffic.capture.sampler import Sampler
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.settings import Settings
class Plain:
    def compose(self, exchange):
        if exchange.path == "/poison":
            raise ValueError
        return TrafficLog(request_id=exchange.path * 50)
    def close(self): ...
def exchange_of(path):
    return begin({"method": "GET", "path": path, "headers": []}, "id", "event", (1.0, 1.0))
recorder = BatchRecorder(AppendOnlyLog(Path(sys.argv[1])), Sampler(Settings()), Plain())
resource.setrlimit(resource.RLIMIT_FSIZE, (400, resource.RLIM_INFINITY))
paths = ["/a", "/poison", "/b", "/c", "/poison", "/d"]
outcome = recorder.write(map(exchange_of, paths), 5)
print(outcome.recorded, outcome.unwritten, outcome.failed, outcome.untold)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
recorder.write([exchange_of("/e")], outcome.untold)
recorder.close()
"""
    log = tmp_path / "log"
    done = subprocess.run(
        [sys.executable, "-c", script, str(log)], check=True, timeout=60, capture_output=True
    )
    # Of lines of 118 to 134 bytes three are whole: they tell the 5 before them and one failure.
    assert done.stdout.split() == [b"3", b"1", b"2", b"2"]
    *whole, torn, last = log.read_bytes().splitlines()
    assert [json.loads(line).get("lost_before", 0) for line in (*whole, last)] == [5, 1, 0, 2]
    assert not torn.endswith(b"}")


def test_i9_unusable_directory_degrades_the_recorder_not_the_api(
    monitor: Setup, talk: Talk, tmp_path: Path, caplog: Any
) -> None:
    (tmp_path / "file").write_text("")
    watching = monitor(Response("served"), log=tmp_path / "file" / "api_traffic.log")
    assert talk(watching.app).body == b"served"
    assert watching.flush(10)
    assert watching.counters.unwritten == 1
    assert "traffic is not recorded" in caplog.text


def test_i10_deleted_directory_is_made_again(
    monitor: Setup, talk: Talk, records: Records, log: Path
) -> None:
    watching = monitor(Response(""))
    talk(watching.app)
    assert len(records(watching)) == 1
    log.unlink()
    log.parent.rmdir()
    talk(watching.app)
    assert len(records(watching)) == 1


def test_i14_renamed_log_is_reopened(log: Path) -> None:
    sink = writer(log, Plain())
    old = log.with_suffix(".1")
    for number in range(5):
        sink.submit(exchange_of(f"/{number}"))
        assert sink.flush(20)
        if number == 2:
            log.rename(old)
    sink.close()
    assert [line["path"] for line in lines(old)] == ["/0", "/1", "/2"]
    assert [line["path"] for line in lines(log)] == ["/3", "/4"]


def test_i15_truncated_log_has_no_hole(log: Path) -> None:
    sink = writer(log, Plain())
    sink.submit(exchange_of("/before"))
    assert sink.flush(20)
    os.truncate(log, 0)
    sink.submit(exchange_of("/after"))
    sink.close()
    assert [line["path"] for line in lines(log)] == ["/after"]


def append_many(log: Path, name: str, count: int) -> None:
    file = AppendOnlyLog(log)
    for number in range(count):
        batch = b"".join(
            b'{"worker":"%s","n":%d,"x":"%s"}\n' % (name.encode(), 50 * number + k, b"x" * 700)
            for k in range(50)
        )
        assert file.append(batch) == len(batch)
    file.close()


def test_i17_processes_on_one_log_tear_no_line(log: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=append_many, args=(log, name, 40)) for name in ("a", "b", "c", "d")
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    found = lines(log)
    assert len(found) == 4 * 40 * 50
    for name in "abcd":
        assert [line["n"] for line in found if line["worker"] == name] == list(range(2000))


@posix
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_i19_forked_child_starts_anew(log: Path) -> None:
    script = """
import os, sys, asyncio
from pathlib import Path
from starlette.responses import Response
from perfectcv_traffic import setup_monitoring
async def request(path):
    async def send(message): ...
    await monitor.app({"type": "http", "method": "GET", "path": path, "headers": []}, None, send)
monitor = setup_monitoring(Response(""), log=sys.argv[1], ingest="off", flush_interval=60)
asyncio.run(request("/parent"))          # waits in the parent's queue
child = os.fork()
if child == 0:
    assert monitor.counters.recorded == 0
    asyncio.run(request("/child"))
    assert monitor.flush(20)
    monitor.close()
    os._exit(0 if monitor.counters.recorded == 1 else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
monitor.close()
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", script, str(log)], check=True, timeout=60)
    rows = lines(log)
    assert sorted(row["path"] for row in rows) == ["/child", "/parent"]
    assert rows[0]["event_id"][:16] != rows[1]["event_id"][:16]


def test_i21_importing_and_setting_up_has_no_effect_on_disk_or_threads(
    monitor: Setup, log: Path
) -> None:
    before = threading.active_count()
    monitor(FastAPI())
    assert threading.active_count() == before
    assert not log.parent.exists()


def test_i22_closing_ends_the_thread_and_a_later_request_starts_another(
    monitor: Setup, talk: Talk, records: Records
) -> None:
    others = set(threading.enumerate())  # recorders of other tests may not be closed yet

    def threads() -> list[str]:
        started = set(threading.enumerate()) - others
        return [t.name for t in started if t.name == "perfectcv-traffic"]

    watching = monitor(Response(""))
    for number in range(3):
        talk(watching.app)
        watching.close()
        assert threads() == []
        assert len(records(watching)) == number + 1


@posix
def test_i26_log_is_private(monitor: Setup, talk: Talk, record: Record, log: Path) -> None:
    watching = monitor(Response(""))
    talk(watching.app)
    record(watching)
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.parent.stat().st_mode & 0o777 == 0o700


class Belonging:
    """Something that an application keeps in its request's state."""


def test_i29_what_the_application_put_into_the_scope_is_freed_with_the_request(
    monitor: Setup, talk: Talk
) -> None:
    held: list[weakref.ref[Belonging]] = []
    app = FastAPI()

    @app.get("/")
    async def handler(request: Request) -> None:
        request.state.mine = Belonging()
        held.append(weakref.ref(request.state.mine))

    watching = monitor(app, flush_interval=60)  # it still waits in the queue
    talk(app)
    gc.collect()
    assert held[0]() is None
    assert watching.counters.recorded == 0


def test_i30_interpreter_exit_writes_what_waits(log: Path) -> None:
    script = """
import sys, asyncio
from starlette.responses import Response
from perfectcv_traffic import setup_monitoring
monitor = setup_monitoring(Response(""), log=sys.argv[1], ingest="off", flush_interval=60)
async def send(message): ...
asyncio.run(monitor.app({"type": "http", "method": "GET", "path": "/", "headers": []}, None, send))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(log)], capture_output=True, timeout=60, check=True
    )
    assert done.stderr == b""
    assert len(lines(log)) == 1


def test_i32_idle_writer_waits_without_waking(
    monitor: Setup, talk: Talk, record: Record, monkeypatch: Any
) -> None:
    watching = monitor(Response(""))
    talk(watching.app)
    record(watching)
    waits: list[float | None] = []
    waiting = threading.Event()
    wait = threading.Event.wait

    def told(self: threading.Event, timeout: float | None = None) -> bool:
        if threading.current_thread().name == "perfectcv-traffic":
            waits.append(timeout)
            waiting.set()
        return wait(self, timeout)

    monkeypatch.setattr(threading.Event, "wait", told)
    talk(watching.app)
    assert watching.flush(10)
    assert wait(waiting, 10)
    watching.close()
    assert None in waits


def test_k8_bodies_of_concurrent_requests_do_not_mix(monitor: Setup, records: Records) -> None:
    import asyncio

    async def app(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": message["body"]})

    watching = monitor(app)

    async def one(number: int) -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": b"%d" % number}

        async def send(message: Any) -> None:
            await asyncio.sleep(0)

        scope = {"type": "http", "method": "POST", "path": f"/{number}", "headers": []}
        await watching.app(scope, receive, send)

    async def all_at_once() -> None:
        await asyncio.gather(*map(one, range(500)))

    asyncio.run(all_at_once())
    rows = records(watching)
    assert len(rows) == 500
    for row in rows:
        assert row["path"] == f"/{row['request_bytes'] and row['path'][1:]}"
        assert (row["request_bytes"], row["response_bytes"]) == (len(row["path"]) - 1,) * 2


def test_writer_logs_through_its_own_logger() -> None:
    assert logging.getLogger("perfectcv_traffic").handlers == []
