"""A line is never longer than what reads the log takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import Response

from perfectcv_traffic import TrafficLog
from perfectcv_traffic.log.lines import MAX_LINE
from perfectcv_traffic.store.ingest import ingest

Talk = Callable[..., Any]
Setup = Callable[..., Any]
Record = Callable[[Any], dict[str, Any]]


class Bulky(TrafficLog):
    notes: str = ""
    tags: list[str] | None = None
    marks: dict[str, list[str]] | None = None


def bulky(size: int) -> Callable[[Bulky, Any], None]:
    def fill(record: Bulky, scope: Any) -> None:
        record.notes = "n" * size
        record.tags = ["t" * 1000] * (size // 1000)
        record.marks = {f"{number}": ["m" * 100] * 100 for number in range(size // 10_000)}

    return fill


@pytest.mark.parametrize("size", [400_000, 5_000_000])
def test_record_too_long_for_a_line_is_shortened_and_says_so(
    monitor: Setup, talk: Talk, record: Record, log: Path, tmp_path: Path, size: int
) -> None:
    watching = monitor(Response("answer"), model=Bulky, enrich=bulky(size))
    talk(watching.app, path="/whole?a=")
    row = record(watching)
    assert len(log.read_bytes()) <= MAX_LINE
    assert (row["path"], row["response_bytes"], row["null_params_count"]) == ("/whole", 6, 1)
    assert (row["request_body_note"], row["response_body_note"]) == ("line_cut", "line_cut")
    assert row["notes"] in ("n" * 2048, "n" * 128)
    counts = ingest([log], tmp_path / "t.db", model=Bulky)
    assert (counts.new, counts.rejected) == (1, 0)


class Endless(TrafficLog):
    numbers: set[int] | None = None


def test_record_that_cannot_be_shortened_enough_is_lost_and_said_to_be(
    monitor: Setup, talk: Talk, log: Path
) -> None:
    def fill(record: Endless, scope: Any) -> None:
        if scope["path"] == "/endless":
            record.numbers = set(range(200_000))

    watching = monitor(Response("answer"), model=Endless, enrich=fill)
    for path in ("/endless", "/next"):
        talk(watching.app, path=path)
    assert watching.flush(20)
    assert watching.counters.failed == 1
    (line,) = log.read_bytes().splitlines()
    assert (json.loads(line)["path"], json.loads(line)["lost_before"]) == ("/next", 1)
