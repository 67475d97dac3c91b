"""A line whose row was pruned is not new when it is read again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perfectcv_traffic.store.batch import Counts
from perfectcv_traffic.store.doctor import examine
from perfectcv_traffic.store.forget import forget
from perfectcv_traffic.store.ingest import ingest
from perfectcv_traffic.store.retention import Retention, prune

Query = Callable[..., list[tuple[Any, ...]]]
Line = Callable[..., bytes]

LINES = 200


def _combined(number: int) -> bytes:
    return (
        b'10.0.0.%d - - [21/Nov/2026:10:%02d:%02d +0000] "GET /p%d?a=%d HTTP/1.1" 200 %d "-" "ua"'
        b" %d.5\n" % (number % 200, number // 60, number % 60, number, number, number, number)
    )


def _uvicorn(number: int) -> bytes:
    return b'INFO:     127.0.0.1:%d - "GET /p%d HTTP/1.1" 404 Not Found\n' % (number, number)


def _caddy(number: int) -> bytes:
    return (
        b'{"ts":1795255200.%d,"request":{"remote_ip":"10.0.0.1","method":"GET","uri":"/p%d",'
        b'"host":"a","headers":{"User-Agent":["ua"]}},"bytes_read":3,"duration":2,"size":%d,'
        b'"status":200,"resp_headers":{"Server":["Caddy"]}}\n' % (number, number, number)
    )


def _json(number: int) -> bytes:
    return (
        b'{"time_iso8601":"2026-11-21T10:00:%02d+00:00","request":"GET /p%d HTTP/1.1",'
        b'"status":"500","body_bytes_sent":"%d","request_time":"3"}\n'
        % (number % 60, number, number)
    )


def _short(number: int) -> bytes:
    return b'10.0.0.%d - - [21/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 -\n' % (number % 200)


@pytest.mark.parametrize("left", [0, 50])
@pytest.mark.parametrize("make", [None, _combined, _uvicorn, _caddy, _json, _short])
def test_pruned_lines_of_a_log_that_lost_its_tail_are_not_new(
    make: Line | None, left: int, log: Path, db: Path, line: Line, query: Query
) -> None:
    make = make or line
    made = [make(number) for number in range(LINES)]
    log.write_bytes(b"".join(made))
    ingest([log], db)
    prune(db, Retention(rows=left))
    log.write_bytes(b"".join(made[: LINES - 10]) + make(LINES + 1))
    assert ingest([log], db) == Counts(lines=LINES - 9, new=1, duplicate=LINES - 10)
    assert query("SELECT sum(requests) FROM summary_requests") == [(LINES + 1,)]
    assert all(check.is_ok for check in examine(db, deep=True))


def test_pruned_requests_of_a_log_under_another_name_are_not_new(
    log: Path, db: Path, tmp_path: Path, line: Line
) -> None:
    log.write_bytes(b"".join(map(line, range(LINES))))
    ingest([log], db)
    prune(db, Retention(rows=0))
    other = tmp_path / "other.log"
    other.write_bytes(line(LINES) + log.read_bytes())
    assert ingest([other], db) == Counts(lines=LINES + 1, new=1, duplicate=LINES)


def test_ids_of_the_recorder_are_kept_as_few_spans(
    log: Path, db: Path, line: Line, query: Query
) -> None:
    log.write_bytes(b"".join(line(one, event_id=f"{one:024x}") for one in range(LINES)))
    ingest([log], db)
    for left in (150, 70, 0):
        prune(db, Retention(rows=left))
    assert query("SELECT first, last FROM counted_ids") == [(f"{0:024x}", f"{LINES - 1:024x}")]


def test_forgotten_requests_do_not_come_back_with_a_log_that_lost_its_tail(
    log: Path, db: Path, query: Query
) -> None:
    made = [_combined(number) for number in range(LINES)]
    log.write_bytes(b"".join(made))
    ingest([log], db)
    forget(db, ["10.0.0.7"])
    log.write_bytes(b"".join(made[:-10]) + _combined(LINES + 1))
    assert ingest([log], db).new == 1
    assert query("SELECT count(*) FROM api_requests WHERE client_ip = '10.0.0.7'") == [(0,)]
