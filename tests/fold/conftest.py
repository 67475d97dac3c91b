"""Logs of any shape, and what a fold of them must be: line by line, without any shortcut."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from perfectcv_traffic.fold.part import Part
from perfectcv_traffic.log.formats import Formats, LogFormat
from perfectcv_traffic.log.lines import Reject, Salvaged
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.record import NullDetail, TokenValidity, TrafficLog
from perfectcv_traffic.redaction import Redactor
from perfectcv_traffic.summary import overview
from perfectcv_traffic.summary.overview import ROLLUPS
from perfectcv_traffic.summary.summary import Summary, Tables
from perfectcv_traffic.summary.tables import TABLES

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}
START = datetime(2026, 11, 21, 22, tzinfo=UTC)
ODD = (b"not json", b"", b'{"request_id":5}', b'{"request_id":"r"}\r', b'{"request_id":"t')


def line(number: int, writer: str = "5f1d7c3ab2e94d06") -> bytes:
    """A record as the recorder writes it, of no two numbers the same."""
    is_null = number % 11 == 0
    null = NullDetail(
        field_name="team", field_path=f"a[{number}].team", location="json_body", kind="json_null"
    )
    record = TrafficLog(
        request_id=f"r{number}",
        event_id=f"{writer}{number:08x}",
        timestamp=(START + timedelta(seconds=7 * number)).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        method=("GET", "POST")[number % 2],
        path=f"/users/{number % 50}",
        route=(None, "/users/{id}", "/x")[number % 3],
        request_body="x" * (number % 97),
        response_bytes=number,
        client_ip=f"10.0.0.{number % 5}",
        token_validity=list(TokenValidity)[number % 4],
        status_code=(200, 404, 429)[number % 3],
        response_time_ms=number / 7,
        complete=number % 13 != 0,
        null_params_count=int(is_null),
        null_params_details=[null] if is_null else [],
    )
    return msgspec.json.encode(record)


def lines(numbers: Iterable[int]) -> list[bytes]:
    """Records with odd lines among them."""
    found = []
    for number in numbers:
        found.append(line(number))
        if number % 17 == 0:
            found.append(ODD[number // 17 % len(ODD)])
    return found


def write(path: Path, found: Sequence[bytes], suffix: str = "") -> Path:
    """A log of lines, compressed as its suffix says."""
    path = path.with_name(path.name + suffix)
    path.write_bytes(COMPRESS[suffix](b"".join(one + b"\n" for one in found)))
    return path


class Expected:
    """What the lines of logs are, taken one by one, each event id once."""

    def __init__(self, logs: Sequence[Sequence[bytes]]) -> None:
        self.logs = logs
        parser = Formats(StoredForm(), Redactor()).parser(LogFormat.NATIVE)
        self.summary = Summary()
        self.recorded = self.rejected = self.duplicates = 0
        self.ids: list[str] = []
        seen: set[str | None] = set()
        for parsed in (parser.parse(one) for log in logs for one in log):
            self.rejected += isinstance(parsed, Reject | Salvaged)
            record = parsed.record if isinstance(parsed, Salvaged) else parsed
            if not isinstance(record, TrafficLog):
                continue
            if record.event_id is not None and record.event_id in seen:
                self.duplicates += 1
                continue
            seen.add(record.event_id)
            self.recorded += 1
            self.ids.append(record.request_id)
            self.summary.add(record)

    def counts(self) -> tuple[int, int, int]:
        """Records, rejects, duplicates."""
        return self.recorded, self.rejected, self.duplicates


def contents(found: Tables) -> dict[str, list[Any]]:
    """Every row of every table."""
    tables = {table.name: list(found.rows(table)) for table in TABLES}
    return tables | {r.table.name: list(overview.rows(r, found)) for r in ROLLUPS}


def assert_is(part: Part, expected: Expected) -> None:
    """The part is what was expected, bit for bit."""
    assert (part.recorded, part.rejected, part.duplicates) == expected.counts()
    assert contents(part.folding) == contents(expected.summary)


@pytest.fixture
def logs(tmp_path: Path) -> tuple[list[str], Expected]:
    """Twenty logs, compressed and plain, one of them twice, one of the copies plain."""
    written = [lines(range(60 * n, 60 * n + 60)) for n in range(19)]
    written.append(written[4])
    suffixes = list(COMPRESS)
    paths = [
        write(tmp_path / f"{n:02}.log", found, suffixes[n % len(suffixes)])
        for n, found in enumerate(written)
    ]
    return list(map(str, paths)), Expected(written)
