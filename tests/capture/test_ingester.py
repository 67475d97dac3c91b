"""The ingester beside the API: one child per log, gone with its parent, never in the way."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from perfectcv_traffic.capture import ingester
from perfectcv_traffic.capture.ingester import Ingester
from perfectcv_traffic.capture.process_lock import ProcessLock
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.settings import ENVIRONMENT_PREFIX

WAITS = [sys.executable, "-c", "import sys; sys.stdin.read()"]
"""A child that ends when its standard input does, as the ingester does."""

Until = Callable[[Callable[[], Any]], None]


class OwnLog(TrafficLog):
    tenant: str | None = None


@pytest.fixture
def make(tmp_path: Path, monkeypatch: Any) -> Iterator[Callable[..., Ingester]]:
    made: list[Ingester] = []
    monkeypatch.setattr(ingester, "START_DELAY", 0.0)
    monkeypatch.setattr(ingester, "CHECK_INTERVAL", 0.0)

    def build(command: list[str]) -> Ingester:
        made.append(Ingester(tmp_path / "api_traffic.log", tmp_path / "traffic_monitor.db"))
        made[-1]._command = command
        return made[-1]

    yield build
    for each in made:
        each.stop()


def test_command_names_the_log_the_database_and_the_model() -> None:
    plain, own = Ingester(Path("/l"), Path("/d")), Ingester(Path("/l"), Path("/d"), OwnLog)
    assert plain._command[plain._command.index("-m") + 1 :] == [
        "perfectcv_traffic", "ingest", "--follow", "--until-stdin-closes", "--poll", "1.0",
        "/l", "--db", "/d",
    ]  # fmt: skip
    assert own._command[-2] == "--model"
    assert own._command[-1].endswith(":OwnLog")


def test_child_is_started_once_and_ends_when_stopped(make: Any) -> None:
    one = make(WAITS)
    assert one.tend() is None
    pid = one.pid
    assert pid is not None
    one.tend()
    assert one.pid == pid
    one.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
def test_child_is_out_of_reach_of_ctrl_c_and_gives_way_to_its_parent(make: Any) -> None:
    one = make(WAITS)
    one.tend()
    pid = one.pid
    assert pid is not None
    assert os.getpgid(pid) == pid
    # In a session of its own it might get as much of a core as its parent, however nice it is.
    assert os.getsid(pid) == os.getsid(0)
    nicest = 19
    assert os.getpriority(os.PRIO_PROCESS, pid) == min(
        nicest, os.getpriority(os.PRIO_PROCESS, 0) + ingester.NICENESS
    )


def test_of_two_workers_one_keeps_the_child_and_the_other_takes_over(make: Any) -> None:
    first, second = make(WAITS), make(WAITS)
    first.tend()
    second.tend()
    assert (first.pid is None, second.pid is None) == (False, True)
    first.stop()
    second.tend()
    assert second.pid is not None


def test_child_that_ended_is_replaced_later_and_reported(
    make: Any, until: Until, caplog: Any
) -> None:
    one = make([sys.executable, "-c", "raise SystemExit(3)"])
    one.tend()
    until(lambda: one.tend() is not None)
    assert one.pid is None
    assert "it ended with exit code 3" in caplog.text
    assert one.tend() > 1  # not at once


def test_sidecar_that_holds_the_log_is_no_trouble(make: Any, until: Until, caplog: Any) -> None:
    one = make([sys.executable, "-c", "raise SystemExit(5)"])
    one.tend()
    until(lambda: one.tend() is None and one.pid is None)
    assert caplog.text == ""


def test_child_that_cannot_be_started_is_reported(make: Any, caplog: Any) -> None:
    one = make(["/nonexistent/python"])
    one.tend()
    assert "the ingester is not running" in caplog.text


def test_process_that_ends_soon_starts_no_child(monkeypatch: Any, tmp_path: Path) -> None:
    one = Ingester(tmp_path / "log", tmp_path / "db")
    patience = one.tend()
    assert patience is not None
    assert 0 < patience <= ingester.START_DELAY
    assert one.pid is None


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
def test_child_is_gone_after_its_parent_was_killed(
    until: Until, has_ended: Callable[[int], bool]
) -> None:
    script = f"""
import sys, time
from perfectcv_traffic.capture.child import start
child = start({WAITS!r})
print(child.pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(20)
    parent.stdout.close()
    until(lambda: has_ended(child))


def test_lock_is_held_by_one(tmp_path: Path) -> None:
    one, other = ProcessLock(tmp_path / "lock"), ProcessLock(tmp_path / "lock")
    assert one.acquire()
    assert one.acquire()
    assert not other.acquire()
    one.release()
    assert other.acquire()
    other.release()


def request(app: Any) -> None:
    async def send(message: Any) -> None: ...

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    asyncio.run(app(scope, object(), send))


@pytest.mark.end_to_end
def test_database_follows_the_log_and_keeps_up(
    monitor: Any, until: Until, tmp_path: Path, log: Path
) -> None:
    pytest.importorskip("perfectcv_traffic.store.follow")
    from starlette.responses import Response

    db = tmp_path / "traffic_monitor.db"
    watching = monitor(Response(""), ingest="child", db=db)
    for _ in range(5):
        request(watching.app)

    until(lambda: rows(db) == 5)
    for _ in range(5):
        request(watching.app)
    watching.close()  # what was written since is read once more before the child ends
    assert rows(db) == 10


def rows(db: Path, what: str = "count(*)") -> Any:
    """The answer of a query on the requests; None until there is a database."""
    if not db.exists():
        return None
    connection = sqlite3.connect(f"file:{db}?mode=ro", uri=True)
    try:
        return connection.execute(f"SELECT {what} FROM api_requests").fetchone()[0]
    except sqlite3.OperationalError:  # not made yet
        return None
    finally:
        connection.close()


MODEL = """
from perfectcv_traffic import TrafficLog

class ShopLog(TrafficLog):
    tenant: str | None = None
"""

SERVED = """
import asyncio, sqlite3, sys, time
from pathlib import Path
from shop_model import ShopLog
from perfectcv_traffic import setup_monitoring
from perfectcv_traffic.capture import ingester

async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body"})

async def send(message): ...

def enrich(record, scope):
    record.tenant = scope["tenant"]

ingester.START_DELAY = 0.0
monitor = setup_monitoring(app, model=ShopLog, enrich=enrich, log="t.log", db="t.db")
scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "tenant": "acme"}
asyncio.run(monitor.app(dict(scope), None, send))
assert monitor.flush(20)
deadline = time.monotonic() + 60
while monitor._ingester.pid is None or not Path("t.db").exists():
    assert time.monotonic() < deadline
    time.sleep(0.05)
asyncio.run(monitor.app(dict(scope), None, send))
monitor.close()
"""


@pytest.mark.end_to_end
def test_fields_of_an_own_model_become_columns(tmp_path: Path) -> None:
    (tmp_path / "shop_model.py").write_text(MODEL)
    (tmp_path / "shop.py").write_text(SERVED)
    subprocess.run([sys.executable, "shop.py"], cwd=tmp_path, check=True, timeout=120)
    assert rows(tmp_path / "t.db", "count(*) || ' ' || group_concat(tenant)") == "2 acme,acme"


@pytest.mark.end_to_end
def test_options_of_other_commands_do_not_reach_the_child(tmp_path: Path) -> None:
    (tmp_path / "shop_model.py").write_text(MODEL)
    (tmp_path / "shop.py").write_text(SERVED)
    names = ("FORMAT", "INGEST_FORMAT", "SUMMARY_ONLY", "EXPLAIN")
    misleading = {f"{ENVIRONMENT_PREFIX}{name}": "1" for name in names}
    subprocess.run(
        [sys.executable, "shop.py"],
        cwd=tmp_path, env={**os.environ, **misleading}, check=True, timeout=120,
    )  # fmt: skip
    assert rows(tmp_path / "t.db", "count(*)") == 2


@pytest.mark.end_to_end
def test_analysis_is_written_on_shutdown(monitor: Any, tmp_path: Path) -> None:
    pytest.importorskip("perfectcv_traffic.cli.commands.analyze")
    pytest.importorskip("perfectcv_traffic.cli.showing")
    from starlette.responses import Response

    output = tmp_path / "out"
    watching = monitor(Response(""), db=tmp_path / "t.db", output=output, analyze_on_shutdown=True)
    request(watching.app)
    asyncio.run(watching.shutdown())
    assert (output / "summary.json").is_file()
