"""A webhook is told when rules break, not again during the cooldown, and when all hold again."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from perfectcv_traffic.record import TrafficLog

Program = Callable[..., subprocess.CompletedProcess[str]]


class Receiver(ThreadingHTTPServer):
    """A webhook that keeps what it is told."""

    status = 204

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hooks/s3cret"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        self.server.told.append(json.loads(self.rfile.read(length)))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: a test says what it saw."""


@pytest.fixture(name="receiver")
def _receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def write(directory: Path, *statuses: int) -> None:
    records = (
        TrafficLog(request_id=str(n), event_id=str(n), status_code=one)
        for n, one in enumerate(statuses)
    )
    lines = b"".join(msgspec.json.encode(one) + b"\n" for one in records)
    (directory / "a.log").write_bytes(lines)


@pytest.fixture(name="checked")
def _checked(program: Program, receiver: Receiver) -> Callable[..., int]:
    def run(*arguments: str) -> int:
        limits = ("--max-error-rate", "10%", "--webhook", receiver.url)
        return program("check", "a.log", *limits, *arguments).returncode

    return run


def test_violation_is_told_once_and_that_it_is_over(
    checked: Callable[..., int], receiver: Receiver, tmp_path: Path
) -> None:
    write(tmp_path, 200)
    assert (checked(), len(receiver.told)) == (0, 0)

    write(tmp_path, 200, 500)
    assert (checked(), checked(), len(receiver.told)) == (1, 1, 1)
    assert receiver.told[0]["passed"] is False
    assert "max-error-rate: 1 of 2 requests failed 5xx" in receiver.told[0]["text"]

    write(tmp_path, 200)
    assert (checked(), checked(), len(receiver.told)) == (0, 0, 2)
    assert receiver.told[1]["passed"] is True


def test_other_violation_is_told_during_the_cooldown(
    checked: Callable[..., int], receiver: Receiver, tmp_path: Path
) -> None:
    write(tmp_path, 500)
    checked()
    checked("--min-requests", "5")

    assert len(receiver.told) == 2


def test_violation_is_told_again_after_the_cooldown(
    checked: Callable[..., int], receiver: Receiver, tmp_path: Path
) -> None:
    write(tmp_path, 500)

    assert [checked("--cooldown", "0s") for _ in range(3)] == [1, 1, 1]
    assert len(receiver.told) == 3


def test_violation_is_told_again_when_the_clock_was_set_back(
    checked: Callable[..., int], receiver: Receiver, tmp_path: Path
) -> None:
    write(tmp_path, 500)
    checked()
    (state,) = tmp_path.glob("*.alerts.json")
    ((key, told),) = json.loads(state.read_bytes()).items()
    state.write_text(json.dumps({key: {**told, "at": "2999-01-01T00:00:00Z"}}))

    assert (checked(), checked(), len(receiver.told)) == (1, 1, 2)
    assert os.name != "posix" or stat.S_IMODE(state.stat().st_mode) == 0o600


def test_webhook_that_fails_is_noted_without_its_secret_and_tried_again(
    program: Program, receiver: Receiver, tmp_path: Path
) -> None:
    write(tmp_path, 500)
    receiver.status = 500
    arguments = ("check", "a.log", "--max-error-rate", "0%", "--webhook", receiver.url)

    first, second = program(*arguments), program(*arguments)

    assert (first.returncode, second.returncode, len(receiver.told)) == (1, 1, 2)
    assert "the webhook at 127.0.0.1 answered 500" in first.stderr
    assert "s3cret" not in first.stderr
    assert not list(tmp_path.glob("*.alerts.json"))


def test_webhook_needs_a_url(program: Program) -> None:
    done = program("check", "a.log", "--webhook", "hooks/1")

    assert (done.returncode, done.stdout) == (2, "")


def test_checks_with_other_thresholds_or_filters_do_not_answer_for_each_other(
    receiver: Receiver, checked: Callable[..., int], tmp_path: Path
) -> None:
    write(tmp_path, 200, 500)

    for _ in range(3):
        assert checked() == 1
        assert checked("--max-p95", "10s") == 1
        assert checked("--max-error-rate", "60%") == 0
        assert checked("--status", "200") == 0

    assert [one["passed"] for one in receiver.told] == [False, False]


def test_verdict_stays_the_same_where_nothing_can_be_remembered(
    program: Program, receiver: Receiver, tmp_path: Path
) -> None:
    write(tmp_path, 500)
    (tmp_path / "a.log.alerts.json").mkdir()

    done = program("check", "a.log", "--max-error-rate", "0%", "--webhook", receiver.url)

    assert (done.returncode, len(receiver.told)) == (1, 1)
    assert "the webhook will be told again: cannot write" in done.stderr
