"""What only whole processes show: memory, kills, several workers.

`TRAFFIC_TEST_MEGABYTES=1024` runs the memory tests at the size that the design names.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, sends signals"),
]

MEGABYTES = int(os.environ.get("TRAFFIC_TEST_MEGABYTES", "128"))
EXTRA_KILOBYTES = 20_000
LATE_SECONDS = 2.0
"""By how much a busy machine may be late with what is due after the flush interval of 0.02 s."""

APP = """
import os
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from perfectcv_traffic import setup_monitoring
from perfectcv_traffic.capture import composing_child

composing_child.START_DELAY = 0.0  # the tests are over before the child would come
app = FastAPI()

@app.get("/down/{megabytes}")
async def down(megabytes: int):
    async def chunks():
        for _ in range(megabytes * 16):
            yield b"x" * 65536
    return StreamingResponse(chunks(), media_type="text/plain")

@app.post("/up")
async def up(request: Request):
    return sum([len(chunk) async for chunk in request.stream()])

@app.get("/count/{number}")
async def count(number: int):
    return {"number": number, "pid": os.getpid()}

@app.get("/beside")
async def beside():
    return monitor._composing_child.pid

monitor = setup_monitoring(app, ingest="off")
"""


UVICORN = ("uvicorn",)


@contextlib.contextmanager
def server(
    directory: Path, log: Path, *options: str, command: Sequence[str] = UVICORN
) -> Iterator[tuple[int, int]]:
    """A server of its own; gives its process id and port."""
    (directory / "served.py").write_text(APP)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    where = ["--port", str(port)] if command is UVICORN else ["--bind", f"127.0.0.1:{port}"]
    environment = {**os.environ, "PERFECTCV_TRAFFIC_LOG": str(log)}
    process = subprocess.Popen(
        [sys.executable, "-m", *command, "served:app", *where, "--log-level", "critical", *options],
        cwd=directory, env=environment, start_new_session=True,
    )  # fmt: skip
    try:
        _wait_for(port)
        yield process.pid, port
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def peak_kilobytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return int(status.partition("VmHWM:")[2].split()[0])


def download(port: int, megabytes: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("GET", f"/down/{megabytes}")
    response = connection.getresponse()
    size = 0
    while part := response.read1(1_048_576):
        size += len(part)
    connection.close()
    return size


def upload(port: int, megabytes: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Content-Type": "text/plain"}
    chunks = (b"x" * 1_048_576 for _ in range(megabytes))
    connection.request("POST", "/up", body=chunks, headers=headers, encode_chunked=True)
    size = int(connection.getresponse().read())
    connection.close()
    return size


@pytest.mark.parametrize("transfer", [download, upload])
def test_memory_stays_flat_for_a_body_of_any_size(
    tmp_path: Path, log: Path, transfer: object
) -> None:
    assert callable(transfer)
    with server(tmp_path, log) as (pid, port):
        assert transfer(port, 8) == 8 * 1_048_576  # what a first transfer takes is no growth
        before = peak_kilobytes(pid)
        assert transfer(port, MEGABYTES) == MEGABYTES * 1_048_576
        assert peak_kilobytes(pid) - before < EXTRA_KILOBYTES
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
    row = json.loads(log.read_bytes().splitlines()[-1])
    assert MEGABYTES * 1_048_576 in (row["request_bytes"], row["response_bytes"])


class Load(threading.Thread):
    """Sends numbered requests until told to stop or the server is gone; notes those answered."""

    def __init__(self, port: int, first: int) -> None:
        super().__init__()
        self.port, self.next = port, first
        self.answered: list[tuple[int, float]] = []
        self.enough = threading.Event()

    def run(self) -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            while not self.enough.is_set():
                self._send_twenty()  # a new connection now and then reaches another worker

    def _send_twenty(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):  # also when the server is killed in the middle
            for _ in range(20):
                connection.request("GET", f"/count/{self.next}")
                with connection.getresponse() as response:
                    response.read()
                self.answered.append((self.next, time.monotonic()))
                self.next += 1


@contextlib.contextmanager
def load(port: int, requests: int) -> Iterator[list[Load]]:
    """Four clients; the context begins when each has had so many answers."""
    clients = [Load(port, number * 1_000_000) for number in range(4)]
    for client in clients:
        client.start()
    try:
        while min(len(client.answered) for client in clients) < requests:
            assert all(client.is_alive() for client in clients)
            time.sleep(0.01)
        yield clients
    finally:
        for client in clients:
            client.enough.set()
            client.join(30)


def recorded(log: Path) -> list[int]:
    """Numbers of the counted requests in the log; every line of it must be whole."""
    paths = [json.loads(line)["path"] for line in log.read_bytes().splitlines()]
    return [int(path.rpartition("/")[2]) for path in paths if path.startswith("/count/")]


def child_beside(port: int) -> int:
    """The process id of the child that records, once it does."""
    deadline = time.monotonic() + 60
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        with contextlib.closing(connection):
            connection.request("GET", "/beside")
            pid = json.loads(connection.getresponse().read())
        if pid is not None:
            return int(pid)
        assert time.monotonic() < deadline
        time.sleep(0.05)


def wait_for_end(pid: int) -> None:
    """Wait until a process that is not our child has ended."""
    deadline = time.monotonic() + 60
    while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("composing", ["child", "thread"])
def test_signal_under_load_loses_nothing(
    tmp_path: Path, log: Path, monkeypatch: Any, name: str, composing: str
) -> None:
    monkeypatch.setenv("PERFECTCV_TRAFFIC_COMPOSING", composing)
    with server(tmp_path, log) as (pid, port):
        if composing == "child":
            child_beside(port)
        with load(port, 100) as clients:
            os.kill(pid, getattr(signal, name))
            os.waitpid(pid, 0)
        answered = {number for client in clients for number, _ in client.answered}
    found = recorded(log)
    assert answered <= set(found)
    assert len(found) == len(set(found))


def test_signal_to_the_whole_group_loses_nothing(tmp_path: Path, log: Path) -> None:
    # Service managers signal every process of a service.
    with server(tmp_path, log) as (pid, port):
        child = child_beside(port)
        with load(port, 100) as clients:
            os.kill(child, signal.SIGTERM)
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)
        answered = {number for client in clients for number, _ in client.answered}
    assert answered <= set(recorded(log))


def test_ctrl_c_loses_nothing(tmp_path: Path, log: Path) -> None:
    with server(tmp_path, log) as (pid, port):
        child = child_beside(port)
        assert (os.getpgid(child), os.getsid(child)) == (child, os.getsid(pid))
        with load(port, 100) as clients:
            os.killpg(os.getpgid(pid), signal.SIGINT)  # what a terminal does
            os.waitpid(pid, 0)
        answered = {number for client in clients for number, _ in client.answered}
    found = recorded(log)
    assert answered <= set(found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("composing", "name", "options"),
    [("child", "SIGKILL", ()), ("thread", "SIGKILL", ()),
     ("child", "SIGTERM", ("--lifespan", "off"))],
    ids=["i6-child", "i6-thread", "i5"],
)  # fmt: skip
def test_kill_under_load_loses_only_what_waited(
    tmp_path: Path,
    log: Path,
    monkeypatch: Any,
    composing: str,
    name: str,
    options: tuple[str, ...],
) -> None:
    monkeypatch.setenv("PERFECTCV_TRAFFIC_COMPOSING", composing)
    with server(tmp_path, log, *options) as (pid, port):
        child = child_beside(port) if composing == "child" else None
        with load(port, 100) as clients:
            time.sleep(2 * LATE_SECONDS)  # so that what may be lost is a small part of it
            os.kill(pid, getattr(signal, name))
            killed = time.monotonic()
            os.waitpid(pid, 0)
        answers = [client.answered for client in clients]
    if child is not None:
        wait_for_end(child)  # it writes all that was handed to it, and whole lines
        assert log.read_bytes().endswith(b"}\n")
    *whole, _ = log.read_bytes().split(b"\n")  # at most one torn line, at the end
    found = {json.loads(line)["path"] for line in whole}
    for answered in answers:
        kept = [f"/count/{number}" in found for number, _ in answered]
        assert kept == sorted(kept, reverse=True)  # the last ones are lost, and no other
        lost = [at for (_, at), is_kept in zip(answered, kept, strict=True) if not is_kept]
        assert all(killed - at < LATE_SECONDS for at in lost)


def test_four_workers_on_one_log_lose_nothing_and_tear_no_line(tmp_path: Path, log: Path) -> None:
    with server(tmp_path, log, "--workers", "4") as (pid, port):
        child_beside(port)
        with load(port, 200) as clients:
            pass
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
    answered = sorted(number for client in clients for number, _ in client.answered)
    assert sorted(recorded(log)) == answered
    rows = [json.loads(line) for line in log.read_bytes().splitlines()]
    assert len({row["event_id"][:16] for row in rows}) > 1
    assert not any("lost_before" in row for row in rows)


def test_gunicorn_ended_under_load_loses_nothing(tmp_path: Path, log: Path) -> None:
    pytest.importorskip("uvicorn_worker")
    command = ("gunicorn", "--worker-class", "uvicorn_worker.UvicornWorker", "--workers", "2")
    with server(tmp_path, log, "--preload", command=command) as (pid, port):
        child_beside(port)
        with load(port, 100) as clients:
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)
        answered = {number for client in clients for number, _ in client.answered}
    found = recorded(log)
    assert answered <= set(found)
    assert len(found) == len(set(found))
