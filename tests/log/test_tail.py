"""A log is read on from look to look, whatever becomes of the file."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.log.tail import Tail
from perfectcv_traffic.record import TrafficLog


def line(number: int) -> bytes:
    return msgspec.json.encode(TrafficLog(request_id=f"request-{number}", path="/a")) + b"\n"


def append(log: Path, data: bytes) -> None:
    with log.open("ab") as file:
        file.write(data)


def new(tail: Tail) -> list[str]:
    return [one.request_id for batch in tail.batches() for one in batch.records]


@pytest.fixture(name="log")
def _log(tmp_path: Path) -> Path:
    path = tmp_path / "api_traffic.log"
    path.write_bytes(line(1) + line(2))
    return path


def test_every_line_is_read_once_and_a_half_one_when_it_is_whole(log: Path) -> None:
    tail = Tail(log)
    assert new(tail) == ["request-1", "request-2"]

    append(log, line(3) + line(4)[:20])
    assert new(tail) == ["request-3"]

    append(log, line(4)[20:])
    assert new(tail) == ["request-4"]
    assert new(tail) == []


def test_file_that_took_its_place_is_read_from_its_start(log: Path) -> None:
    tail = Tail(log)
    new(tail)

    log.rename(log.with_name("api_traffic.log.1"))
    assert new(tail) == []

    append(log, line(5))
    assert new(tail) == ["request-5"]


def test_file_that_was_cut_is_read_from_its_start(log: Path) -> None:
    tail = Tail(log)
    new(tail)

    log.write_bytes(line(6))

    assert new(tail) == ["request-6"]


def test_lines_that_are_no_records_are_counted(log: Path) -> None:
    append(log, b"{nonsense\n")

    assert sum(batch.rejected for batch in Tail(log).batches()) == 1


def test_log_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="does not exist"):
        Tail(tmp_path / "no.log")
