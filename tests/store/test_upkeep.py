from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.log.formats import LogFormat
from perfectcv_traffic.sources.answers import read
from perfectcv_traffic.sources.source import Source
from perfectcv_traffic.store import queries, retention
from perfectcv_traffic.store.database import reading, writing
from perfectcv_traffic.store.doctor import back_up, examine, rebuild_summary
from perfectcv_traffic.store.ingest import Options, ingest
from perfectcv_traffic.store.retention import Retention, prune
from perfectcv_traffic.store.retry import Retried, retry_rejected
from perfectcv_traffic.store.status import status
from perfectcv_traffic.summary import overview

Query = Callable[..., list[tuple[Any, ...]]]
Line = Callable[..., bytes]


@pytest.fixture
def filled(log: Path, db: Path, line: Line) -> Path:
    log.write_bytes(b"".join(line(n) for n in range(60)) + b"junk\n\n")
    ingest([log], db)
    return db


def wrong(db: Path, *, deep: bool = True) -> list[str]:
    return [check.name for check in examine(db, deep=deep) if not check.is_ok]


def test_doctor_finds_nothing_wrong_with_a_whole_database(filled: Path) -> None:
    assert wrong(filled) == []


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        ("DELETE FROM api_requests WHERE id = 3", ["rows", "summary"]),
        ("UPDATE summary_hours SET requests = requests + 1 WHERE id = 1", ["summary"]),
        ("UPDATE log_files SET lines = lines + 1", ["lines of each log"]),
    ],
)
def test_doctor_finds_what_does_not_add_up(filled: Path, harm: str, found: list[str]) -> None:
    with closing(sqlite3.connect(filled, isolation_level=None)) as connection:
        connection.execute(harm)
    assert wrong(filled) == found


def test_rebuilt_summary_equals_the_rows(filled: Path) -> None:
    with closing(sqlite3.connect(filled, isolation_level=None)) as connection:
        connection.execute("DELETE FROM summary_requests")
        connection.execute("UPDATE summary_endpoints SET requests = 7")
    assert wrong(filled) == ["summary"]
    rebuild_summary(filled)
    assert wrong(filled) == []


def test_backup_is_one_whole_file_that_is_never_overwritten(
    filled: Path, tmp_path: Path, query: Query
) -> None:
    copy = tmp_path / "copy.db"
    back_up(filled, copy)
    rows = "SELECT * FROM api_requests"
    assert query(rows, database=copy) == query(rows)
    assert not list(tmp_path.glob("copy.db-*"))
    with pytest.raises(StorageError, match="exists already"):
        back_up(filled, copy)


def test_older_backup_put_back_is_filled_from_the_log(
    log: Path, filled: Path, line: Line, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    back_up(filled, copy)
    with log.open("ab") as file:
        file.write(line(100) + line(101))
    ingest([log], filled)
    for name in ("", "-wal", "-shm"):
        filled.with_name(filled.name + name).unlink(missing_ok=True)
    copy.rename(filled)
    assert ingest([log], filled).new == 2
    assert wrong(filled) == []


@pytest.mark.parametrize(
    ("may_stay", "left"),
    [
        (Retention(rows=10), 10),
        (Retention(rows=100), 60),
        (Retention(before="2026-11-21T12"), 24),
        (Retention(before="2026-11-21T12", rows=20), 20),
        (Retention(size=1), 0),
    ],
)
def test_prune_keeps_what_may_stay_and_the_whole_summary(
    log: Path,
    filled: Path,
    query: Query,
    may_stay: Retention,
    left: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention, "CHUNK", 7)
    assert prune(filled, may_stay) == 60 - left
    assert query("SELECT count(*) FROM api_requests") == [(left,)]
    assert query("SELECT sum(requests) FROM summary_endpoints") == [(60,)]
    assert wrong(filled) == []
    assert ingest([log], filled).lines == 0


def test_prune_takes_the_oldest_first_whenever_they_were_stored(
    log: Path, db: Path, tmp_path: Path, line: Line, query: Query
) -> None:
    old = tmp_path / "old.log"
    log.write_bytes(b"".join(line(n, timestamp="2026-11-21T10:00:00.000000Z") for n in (1, 2)))
    ingest([log], db)
    old.write_bytes(b"".join(line(n, timestamp="2025-01-01T10:00:00.000000Z") for n in (3, 4, 5)))
    ingest([old], db)
    assert prune(db, Retention(rows=3)) == 2
    assert query("SELECT request_id FROM api_requests ORDER BY id") == [("r1",), ("r2",), ("r5",)]
    assert prune(db, Retention(rows=1)) == 2
    assert query("SELECT request_id FROM api_requests") == [("r2",)]


UVICORN = b'INFO:     127.0.0.1:5000 - "GET /p%d HTTP/1.1" 200 OK\n'


@pytest.mark.parametrize(
    ("may_stay", "hours"),
    [
        (Retention(before="2026-11-21T03:30:00.000000Z"), 6),
        (Retention(rows=5), 5),
        (Retention(rows=0), 1),
        (Retention(before="2027-01-01T00:00:00.000000Z"), 0),
        (Retention(rows=100), 10),
    ],
)
def test_windows_of_clients_go_with_the_requests_that_they_count(
    log: Path, db: Path, line: Line, query: Query, may_stay: Retention, hours: int
) -> None:
    log.write_bytes(
        b"".join(line(n, timestamp=f"2026-11-21T{n:02}:00:00.000000Z") for n in range(10))
    )
    ingest([log], db)
    prune(db, may_stay)
    left = query("SELECT DISTINCT window_start FROM rate_limit_tracking ORDER BY 1")
    assert left == [(f"2026-11-21T{n:02}",) for n in range(10 - hours, 10)]
    assert query("SELECT sum(request_count) FROM summary_clients") == [(10,)]


def test_requests_without_a_time_are_as_old_as_their_log_was_last_read(
    log: Path, db: Path, tmp_path: Path, line: Line, query: Query
) -> None:
    first, second = tmp_path / "first.log", tmp_path / "second.log"
    log.write_bytes(line(1, timestamp="2026-03-01T00:00:00.000000Z"))
    first.write_bytes(UVICORN % 1 + UVICORN % 2)
    second.write_bytes(UVICORN % 3)
    ingest([log, first, second], db)
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute(
            "UPDATE log_files SET updated = '2026-02-01T00:00:00.000000Z' WHERE path = ?",
            (str(first),),
        )
    assert retention.without_time(db) == 3
    assert prune(db, Retention(before="2026-01-01T00:00:00.000000Z")) == 0
    assert prune(db, Retention(before="2026-02-15T00:00:00.000000Z")) == 2
    assert retention.without_time(db) == 1
    assert prune(db, Retention(rows=1)) == 1
    assert query("SELECT path FROM api_requests") == [("/p3",)]


def test_generated_requests_that_were_pruned_are_not_missing(
    log: Path, db: Path, line: Line
) -> None:
    """Of ten sent nine were recorded, and five of these are pruned."""
    log.write_bytes(b"".join(line(n, run_id="run") for n in range(9)))
    ingest([log], db)
    sent = [("run", f"r{n}", "valid", "GET", "/", "2xx", 200, 1, None, 1.0) for n in range(10)]
    with writing(db) as connection:
        queries.store_generated(connection, sent)
    prune(db, Retention(rows=4))
    found = read(Source(db))
    assert found.runs.to_dict("records") == [
        {"run_id": "run", "sent": 10, "recorded": 4, "unexpected": 0, "pruned": 5}
    ]
    assert found.generated["is_recorded"].tolist() == [1] * 9 + [0]
    with reading(db) as connection:
        assert queries.reconcile(connection, "run").lost == 1


def test_summary_of_pruned_rows_is_not_rebuilt_away(filled: Path) -> None:
    prune(filled, Retention(rows=10))
    with pytest.raises(StorageError, match="pruned"):
        rebuild_summary(filled)


def test_status_shows_what_is_behind(log: Path, filled: Path, line: Line) -> None:
    with log.open("ab") as file:
        file.write(line(99))
    found = status(filled)
    [shown] = found.logs
    assert (shown.lines, shown.stored, shown.rejected, shown.blank) == (62, 60, 1, 1)
    assert shown.behind_bytes == len(line(99))
    assert found.rejected_by_reason == {"json": 1}


def test_rejected_lines_are_stored_once_they_can_be_read(
    log: Path, db: Path, foreign_line: Line, line: Line, query: Query
) -> None:
    log.write_bytes(line(1) + b"junk\n" + line(2))
    ingest([log], db, options=Options(log_format=LogFormat.COMBINED))
    assert query("SELECT count(*) FROM rejected_lines") == [(3,)]
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute("UPDATE log_files SET format = 'native'")
    assert retry_rejected(db) == Retried(2, 1)
    assert retry_rejected(db) == Retried(0, 1)
    assert query("SELECT request_id FROM api_requests ORDER BY id") == [("r1",), ("r2",)]
    assert wrong(db) == []


def test_overview_holds_all_requests_without_the_hours(filled: Path) -> None:
    with reading(filled) as connection:
        rows = {name: list(found) for name, found in queries.overview_rows(connection).items()}
        assert sum(int(row[7]) for row in rows["summary_endpoints"]) == 60
        assert sum(int(row[2]) for row in rows["summary_hours"]) == 60
        assert queries.client_count(connection) == len(rows["summary_clients"]) == 5
        assert queries.top_urls(connection, 1) == [("/items/0", 1, "2026-11-21T00:00:00.000000Z")]


def test_scanner_cannot_blow_the_overview_up(
    log: Path, db: Path, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "MAX_GROUPS", 20)
    line = b'1.2.3.4 - - [10/Oct/2025:13:55:36 +0000] "GET /%s HTTP/1.1" %d 1\n'
    words = [f"{a}{b}-x".encode() for a in "abcdefghij" for b in "abcdefghij"]
    log.write_bytes(b"".join(line % (word, 404) for word in words) + line % (b"home", 200))
    ingest([log], db)
    endpoints: list[tuple[Any, ...]] = query(
        "SELECT route, sum(requests) FROM summary_endpoints GROUP BY 1"
    )
    by_route: dict[str, int] = dict(endpoints)
    assert len(endpoints) == 22
    assert by_route["(other)"] == 80
    assert by_route["/home"] == 1
    assert wrong(db) == []


@pytest.mark.parametrize(
    "view", ["endpoint_stats", "status_by_hour", "token_by_hour", "null_hotspots"]
)
def test_views_can_be_read(filled: Path, query: Query, view: str) -> None:
    assert query(f"SELECT * FROM {view}") or view == "null_hotspots"


def test_doctor_misses_an_index(log: Path, db: Path, line: Line) -> None:
    log.write_bytes(line(1))
    ingest([log], db)
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("DROP INDEX api_requests_event_id")
    [broken] = [check for check in examine(db) if not check.is_ok]
    assert (broken.name, broken.detail) == ("tables and indexes", "index api_requests_event_id")


def test_doctor_looks_at_one_state_of_a_database_that_is_written(
    log: Path, db: Path, line: Line
) -> None:
    log.write_bytes(line(0))
    ingest([log], db)
    found: list[str] = []
    with ThreadPoolExecutor(1) as pool:

        def write() -> None:
            for number in range(1, 60):
                with log.open("ab") as file:
                    file.write(line(number))
                ingest([log], db)

        written = pool.submit(write)
        while not written.done():
            found += wrong(db)
        written.result()
    assert found == []


def test_rejected_line_of_which_the_record_is_stored_meanwhile_is_a_duplicate(
    log: Path, db: Path, line: Line, query: Query
) -> None:
    log.write_bytes(line(1) + line(2))
    ingest([log], db, options=Options(log_format=LogFormat.COMBINED))
    other = log.with_name("other.log")
    other.write_bytes(line(2))
    ingest([other], db)
    assert retry_rejected(db, LogFormat.NATIVE) == Retried(stored=1, still_rejected=0)
    assert query("SELECT stored, duplicate, rejected FROM log_files ORDER BY id") == [
        (1, 1, 0), (1, 0, 0),
    ]  # fmt: skip
    assert wrong(db) == []


def test_what_was_pruned_stays_within_the_time_that_the_summary_is_of(
    log: Path, filled: Path
) -> None:
    with reading(filled) as connection:
        before = queries.time_range(connection)

    prune(filled, Retention(rows=1))

    with reading(filled) as connection:
        assert queries.time_range(connection) == before
