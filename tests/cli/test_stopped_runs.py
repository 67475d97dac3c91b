"""`generate` that saw less than it was asked for: by exit code, and in the baseline."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Program = Callable[..., subprocess.CompletedProcess[str]]
Answer = Callable[[bytes], bytes | type[ConnectionError] | None]

DOCUMENT = json.dumps(
    {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {f"/p{n}": {"get": {"responses": {"200": {}}}} for n in range(12)},
    }
).encode()


def ok(body: bytes, status: bytes = b"200 OK") -> bytes:
    """An answer with a JSON body."""
    return b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        status,
        len(body),
        body,
    )


def dying(after: int) -> Answer:
    """An API that answers so many requests behind its document, and then none."""
    left = [after]

    def answer(head: bytes) -> bytes | None:
        if head.startswith(b"GET /openapi.json"):
            return ok(DOCUMENT)
        left[0] -= 1
        return ok(b"{}") if left[0] >= 0 else None

    return answer


@pytest.mark.parametrize(
    ("after", "arguments"),
    [(0, ("--requests", "5")), (0, ()), (3, ())],
    ids=["traffic", "probes", "dies midway"],
)
def test_target_that_dies_is_no_success_and_no_usage_error(
    program: Program, start: Callable[[Answer], str], after: int, arguments: tuple[str, ...]
) -> None:
    done = program("generate", start(dying(after)), *arguments)

    assert done.returncode == 4, done.stderr
    assert done.stderr.splitlines()[-1].startswith("perfectcv-traffic: ")


def test_target_of_which_nothing_can_be_tested_is_the_targets_fault(
    program: Program, start: Callable[[Answer], str]
) -> None:
    def answer(head: bytes) -> bytes:
        return ok(DOCUMENT) if b"openapi" in head else ok(b"{}", b"404 Not Found")

    done = program("generate", start(answer))

    assert done.returncode == 4, done.stderr
    assert "no operation answered 2xx" in done.stderr


def test_baseline_that_is_not_named_cannot_be_updated(program: Program) -> None:
    done = program("generate", "--update-baseline")

    assert done.returncode == 2
    assert "--update-baseline needs the file" in done.stderr


@pytest.mark.end_to_end
def test_baseline_keeps_what_a_run_did_not_look_at(
    program: Program, demo: str, tmp_path: Path
) -> None:
    path = tmp_path / "accepted.json"
    update = ("generate", demo, "--baseline", "accepted.json", "--update-baseline")
    assert program(*update).returncode == 0
    path.write_text(path.read_text().replace('"note": ""', '"note": "ours"'))
    every = json.loads(path.read_text())
    assert len({one["rule"] for one in every["accepted"]}) > 1

    one = re.escape(every["accepted"][0]["path"])
    for narrowing in (("--only", "PT102"), ("--exclude", one), ("--suite", "auth")):
        assert program(*update, *narrowing).returncode == 0
        kept = json.loads(path.read_text())["accepted"]
        assert sorted(map(str, kept)) == sorted(map(str, every["accepted"]))

    stopped = program(*update, "--max-requests", "5")
    assert stopped.returncode == 2
    assert "accepted.json stays as it was" in stopped.stderr
    assert sorted(map(str, json.loads(path.read_text())["accepted"])) == sorted(
        map(str, every["accepted"])
    )


NULLS = json.dumps(
    {
        "openapi": "3.1.0",
        "paths": {
            f"/p{n}": {
                "get": {
                    "responses": {
                        "200": {"content": {"application/json": {"schema": {"type": "object"}}}}
                    }
                }
            }
            for n in range(12)
        },
    }
).encode()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--max-requests", "4"), 2),
        (("--max-findings", "1"), 2),
        (("--max-requests", "4", "--fail-on", "warning"), 1),
        (("--max-requests", "4", "--fail-on", "never"), 0),
        ((), 0),
    ],
)
def test_run_that_stopped_with_warnings_alone_is_no_success(
    program: Program, start: Callable[[Answer], str], arguments: tuple[str, ...], code: int
) -> None:
    def answer(head: bytes) -> bytes:
        return ok(NULLS) if b"openapi" in head else ok(b"null")

    done = program("generate", start(answer), *arguments)

    assert done.returncode == code, done.stderr
    assert "warning PT203" in done.stdout
    assert ("the run stopped early" in done.stderr) == (code == 2)
