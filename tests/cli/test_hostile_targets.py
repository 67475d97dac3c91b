"""`generate` against targets that misbehave: a message, the right exit code, no traceback, soon."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Program = Callable[..., subprocess.CompletedProcess[str]]
Answer = Callable[[bytes], bytes | type[ConnectionError] | None]
Start = Callable[[Answer], str]

NODE = {"$ref": "#/components/schemas/Node"}
RECURSIVE = {
    "openapi": "3.1.0",
    "paths": {
        "/a": {
            "post": {
                "requestBody": {"content": {"application/json": {"schema": NODE}}},
                "responses": {"200": {"content": {"application/json": {"schema": NODE}}}},
            }
        }
    },
    "components": {
        "schemas": {"Node": {"type": "object", "required": ["next"], "properties": {"next": NODE}}}
    },
}
PATHS: dict[str, Any] = {f"/p{number}": {"get": {"responses": {}}} for number in range(12)}
DOCUMENT = {"openapi": "3.1.0", "paths": PATHS}
LARGE = {
    "openapi": "3.0.3",
    "paths": {
        f"/p{number}": {"get": {"description": "x" * 5000, "responses": {}}}
        for number in range(1000)
    },
}


def http(status: int, body: bytes = b"", *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *more]
    return "\r\n".join([*lines, "", ""]).encode() + body


def with_document(answer: Answer, document: Any = DOCUMENT) -> Answer:
    told = http(200, json.dumps(document).encode())
    return lambda head: told if b"openapi.json" in head else answer(head)


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        pytest.param(with_document(lambda _: b""), 4, "no whole answer within", id="hangs"),
        pytest.param(with_document(lambda _: None), 4, "without an answer", id="closes"),
        pytest.param(
            with_document(lambda _: ConnectionResetError), 4, "connection reset", id="resets"
        ),
        pytest.param(with_document(lambda _: b"\0x\r\n\r\n"), 4, "not valid HTTP", id="garbage"),
        pytest.param(with_document(lambda _: http(500)), 4, "answered 2xx (500 × ", id="500"),
        pytest.param(
            with_document(lambda _: http(429, b"", "Retry-After: 9999")), 4, "(429)", id="429"
        ),
        pytest.param(lambda _: b"", 4, "no whole answer within", id="document hangs"),
        pytest.param(lambda _: ConnectionResetError, 4, "connection reset", id="document reset"),
        pytest.param(lambda _: b"nonsense\r\n\r\n", 4, "not valid HTTP", id="document garbage"),
        pytest.param(lambda _: http(500), 4, "answered 500", id="document 500"),
        pytest.param(lambda _: http(200, b'{"openapi": "3.'), 4, "", id="document broken"),
        pytest.param(lambda _: http(200, b"[]"), 4, "", id="document is a list"),
        pytest.param(lambda _: http(200, b"<html>"), 4, "", id="document is a page"),
    ],
)
def test_target_that_misbehaves_is_told_in_a_line(
    program: Program, start: Start, answer: Answer, code: int, message: str
) -> None:
    # Only those that hang are waited for: elsewhere a slow machine must not be taken for one.
    seconds = "1" if message.startswith("no whole answer") else "30"
    done = program("generate", start(answer), "--timeout", seconds, "--max-seconds", "60")

    assert done.returncode == code, done.stderr
    assert message in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize("document", [LARGE, RECURSIVE], ids=["5 MB", "recursive"])
def test_document_that_is_odd_is_read_and_tested(
    program: Program, start: Start, document: Any
) -> None:
    address = start(with_document(lambda _: http(200, b"{}"), document))
    done = program("generate", address, "--allow-writes", "--max-requests", "60")

    assert done.returncode in (0, 1, 2)
    assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("answer", "code"), [(b"", 4), (None, 4), (ConnectionResetError, 4), (http(500), 0)]
)
def test_traffic_to_a_target_that_misbehaves_is_counted(
    program: Program, start: Start, answer: Any, code: int, tmp_path: Path
) -> None:
    done = program(
        "generate", start(with_document(lambda _: answer)), "--requests", "12",
        "--timeout", "2" if answer == b"" else "30", "--concurrency", "12",
        "--format", "json", "--output", "run.json",
    )  # fmt: skip
    run = json.loads((tmp_path / "run.json").read_text())

    assert done.returncode == code, done.stderr
    assert (run["sent"], run["surprises"]) == (12, 12)
    assert "Traceback" not in done.stderr


def test_plan_in_vegetas_shape_is_sent_as_targets(
    program: Program, start: Start, tmp_path: Path
) -> None:
    address = start(with_document(lambda _: http(200)))
    planned = program("generate", address, "--dry-run", "--format", "vegeta")
    lines = [json.loads(line) for line in planned.stdout.splitlines()]

    program("generate", address, "--dry-run", "--format", "vegeta", "--output", "plan.jsonl")

    assert planned.returncode == 0
    assert (tmp_path / "plan.jsonl").read_text() == planned.stdout
    assert {one["url"] for one in lines} == {address + path for path in PATHS}


def test_file_of_targets_stands_for_a_target(
    program: Program, start: Start, tmp_path: Path
) -> None:
    address = start(lambda _: http(204))
    line = json.dumps({"method": "GET", "url": f"{address}/a"})
    refused = json.dumps({"method": "DELETE", "url": f"{address}/b"})
    (tmp_path / "targets.jsonl").write_text(f"{line}\n{refused}\n")
    done = program("generate", "targets.jsonl", "--format", "json", "--output", "run.json")
    run = json.loads((tmp_path / "run.json").read_text())

    assert done.returncode == 0, done.stderr
    assert run["sent"] == 1
    assert "1 requests left out: deletes are not allowed" in done.stderr


def test_shape_of_a_plan_is_no_report(program: Program) -> None:
    done = program("generate", "--format", "vegeta")

    assert done.returncode == 2
    assert "--dry-run" in done.stderr
