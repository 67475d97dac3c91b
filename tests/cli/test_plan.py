"""`generate --dry-run`: the plan of what was asked for, and nothing sent but for the document."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Program = Callable[..., subprocess.CompletedProcess[str]]
Answer = Callable[[bytes], bytes]

PATHS: dict[str, Any] = {"/a": {"get": {}}, "/session": {"post": {}}}
DOCUMENT = json.dumps({"openapi": "3.1.0", "paths": PATHS}).encode()
APPLICATION = """
from fastapi import FastAPI

app = FastAPI()


@app.get("/of-this-application")
def read(kind: str = "x") -> str:
    return kind
"""


def noting(seen: list[str]) -> Answer:
    """An API that notes what it is asked."""

    def answer(head: bytes) -> bytes:
        seen.append(head.decode("latin-1").partition(" HTTP/")[0])
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(DOCUMENT) + DOCUMENT

    return answer


def steps(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """The plan that was printed."""
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    "more",
    [
        ("--login", "POST /session", "--login-field", "user=a"),
        ("--login", "POST /session", "--requests", "3"),
        ("--username", "a", "--password-env", "PW"),
    ],
    ids=["login", "login for traffic", "password"],
)
def test_plan_logs_nobody_in(
    program: Program, start: Callable[[Answer], str], more: tuple[str, ...]
) -> None:
    seen: list[str] = []

    assert steps(program("generate", start(noting(seen)), "--dry-run", *more, PW="secret"))
    assert seen == ["GET /openapi.json"]


@pytest.mark.parametrize(
    ("more", "scenarios", "number"),
    [
        (("--requests", "3"), {"valid"}, 3),
        (("--duration", "5"), {"valid"}, 1),
        (("--stages", "1s@5"), {"valid"}, 1),
        (("--suite", "null,load"), {"valid"}, 2),
    ],
)
def test_plan_is_of_what_was_asked_for(
    program: Program,
    start: Callable[[Answer], str],
    more: tuple[str, ...],
    scenarios: set[str],
    number: int,
) -> None:
    planned = steps(program("generate", start(noting([])), "--dry-run", *more))

    assert {one["scenario"] for one in planned} == scenarios
    assert len(planned) == number


def test_plan_of_targets_for_a_time_has_an_end(
    program: Program, start: Callable[[Answer], str]
) -> None:
    shape = ("--dry-run", "--format", "vegeta")

    (target,) = steps(program("generate", start(noting([])), *shape, "--duration", "5"))

    assert target["url"].endswith("/a")


@pytest.mark.end_to_end
def test_plan_of_an_application_is_that_of_its_document(program: Program, tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text(APPLICATION)

    planned = steps(program("generate", "--app", "small:app", "--dry-run", "--suite", "null"))

    assert {one["path"] for one in planned} == {"/of-this-application"}
    assert {one["scenario"] for one in planned} == {"valid", "null_query", "empty_query"}


def test_file_of_requests_is_a_plan_already(program: Program, tmp_path: Path) -> None:
    (tmp_path / "targets.jsonl").touch()

    for arguments in (("targets.jsonl",), ("--from-log", "api_traffic.log")):
        done = program("generate", *arguments, "--dry-run")
        assert done.returncode == 2
        assert "is a plan already" in done.stderr


def test_variable_of_another_day_allows_nothing(
    program: Program, start: Callable[[Answer], str]
) -> None:
    names = ("ALLOW_WRITES", "ALLOW_DELETES", "DELETE_EXISTING", "READ_ONLY", "INCLUDE_RISKY")
    variables = {f"PERFECTCV_TRAFFIC_{name}": "1" for name in names}

    planned = steps(program("generate", start(noting([])), "--dry-run", **variables))

    assert {one["method"] for one in planned} == {"GET"}
