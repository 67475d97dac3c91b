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
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, sends signals"),
]

MEGABYTES = int(os.environ.get("TRAFFIC_TEST_MEGABYTES", "128"))
EXTRA_KILOBYTES = 20_000

APP = """
import os
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from perfectcv_traffic import setup_monitoring

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

setup_monitoring(app, ingest="off")
"""


@contextlib.contextmanager
def server(directory: Path, log: Path, *options: str) -> Iterator[tuple[int, int]]:
    """A uvicorn of its own; gives its process id and port."""
    (directory / "served.py").write_text(APP)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "served:app", "--port", str(port)]
    environment = {**os.environ, "PERFECTCV_TRAFFIC_LOG": str(log)}
    process = subprocess.Popen(
        [*command, "--log-level", "critical", *options],
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
    """Numbers of the requests in the log; every line of it must be whole."""
    rows = [json.loads(line) for line in log.read_bytes().splitlines()]
    return [int(row["path"].rpartition("/")[2]) for row in rows]


def test_sigterm_under_load_loses_nothing(tmp_path: Path, log: Path) -> None:
    with server(tmp_path, log) as (pid, port):
        with load(port, 100) as clients:
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)
        answered = {number for client in clients for number, _ in client.answered}
    found = recorded(log)
    assert answered <= set(found)
    assert len(found) == len(set(found))


def test_kill_under_load_loses_only_what_waited(tmp_path: Path, log: Path) -> None:
    with server(tmp_path, log) as (pid, port):
        with load(port, 100) as clients:
            os.kill(pid, signal.SIGKILL)
            killed = time.monotonic()
            os.waitpid(pid, 0)
        answers = [answer for client in clients for answer in client.answered]
    *whole, _ = (log.read_bytes() + b"\n").split(b"\n")
    if whole and not whole[-1].endswith(b"}"):
        whole.pop()  # at most one torn line, at the end
    found = {int(json.loads(line)["path"].rpartition("/")[2]) for line in whole if line}
    # The interval is 0.05 s; on a busy machine the thread may be late by as much again and more.
    old = {number for number, at in answers if at < killed - 0.5}
    assert old <= found


def test_four_workers_on_one_log_lose_nothing_and_tear_no_line(tmp_path: Path, log: Path) -> None:
    with server(tmp_path, log, "--workers", "4") as (pid, port):
        with load(port, 200) as clients:
            pass
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
    answered = sorted(number for client in clients for number, _ in client.answered)
    assert sorted(recorded(log)) == answered
    rows = [json.loads(line) for line in log.read_bytes().splitlines()]
    assert len({row["event_id"][:16] for row in rows}) > 1
    assert {row["lost_before"] for row in rows} == {0}
