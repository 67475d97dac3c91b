from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.log.formats import LogFormat
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.store.doctor import back_up, examine
from perfectcv_traffic.store.ingest import ingest
from perfectcv_traffic.store.merge import merge
from perfectcv_traffic.store.merge_base import Merged
from perfectcv_traffic.store.retention import Retention, prune
from perfectcv_traffic.store.retry import Retried, retry_rejected
from perfectcv_traffic.summary.overview import ROLLUPS
from perfectcv_traffic.summary.tables import TABLES

Query = Callable[..., list[tuple[Any, ...]]]
Line = Callable[..., bytes]


JSON_LINE = b'{"time":"2026-11-21T10:00:00Z","uri":"/a","status":200}\n'


class Hosts:
    """Two hosts with a log and a database each, and one database that was fed both logs."""

    def __init__(self, folder: Path, first: bytes, second: bytes) -> None:
        self.logs = [folder / "a.log", folder / "b.log"]
        self.dbs = [folder / "a.db", folder / "b.db"]
        self.both, self.merged = folder / "both.db", folder / "merged.db"
        for log, db, data in zip(self.logs, self.dbs, (first, second), strict=True):
            log.write_bytes(data)
            ingest([log], db)
        ingest(self.logs, self.both)

    def merge(self) -> list[Merged]:
        return [merge(self.merged, db) for db in self.dbs]


def everything(query: Query, db: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All that analyses read."""
    tables = (*TABLES, *(rollup.table for rollup in ROLLUPS))
    queries = {
        table.name: f"SELECT {', '.join(table.columns)} FROM {table.name}" for table in tables
    }
    queries["lines"] = (
        "SELECT sum(lines), sum(stored), sum(duplicate), sum(rejected), sum(blank) FROM log_files"
    )
    queries["rejected"] = "SELECT reason, raw, log_offset FROM rejected_lines"
    queries["nulls"] = "SELECT timestamp, path, field_path FROM null_value_logs"
    queries["times"] = "SELECT min(timestamp), max(timestamp), count(*) FROM api_requests"
    return {name: sorted(query(sql, database=db)) for name, sql in queries.items()}


def is_whole(db: Path) -> bool:
    return all(check.is_ok for check in examine(db, deep=True))


@pytest.mark.parametrize("kind", ["line", "foreign_line"])
def test_merged_databases_equal_one_fed_by_both_logs(
    tmp_path: Path, query: Query, kind: str, request: pytest.FixtureRequest
) -> None:
    line: Line = request.getfixturevalue(kind)
    first = b"".join(line(n) for n in range(150)) + b"junk\n"
    second = b"".join(line(n) for n in range(200, 260)) + b"\nother junk\n"
    hosts = Hosts(tmp_path, first, second)
    assert hosts.merge() == [Merged(150, 0), Merged(60, 0)]
    assert everything(query, hosts.merged) == everything(query, hosts.both)
    assert is_whole(hosts.merged)


def test_fields_of_an_own_model_are_merged_with_the_rest(
    tmp_path: Path, query: Query, line: Line
) -> None:
    class ShopLog(TrafficLog, kw_only=True):
        tenant: str | None = None
        carts: int = 0

    sources = []
    for number, model in enumerate((TrafficLog, ShopLog, ShopLog)):
        log, db = tmp_path / f"{number}.log", tmp_path / f"{number}.db"
        own = b'{"tenant":"acme","carts":%d,"request' % number
        log.write_bytes(line(number).replace(b'{"request', own))
        ingest([log], db, model=model)
        sources.append(db)
    merged = tmp_path / "merged.db"
    for db in sources:
        merge(merged, db)
    found = query("SELECT request_id, tenant, carts FROM api_requests ORDER BY 1", database=merged)
    assert found == [("r0", None, None), ("r1", "acme", 1), ("r2", "acme", 2)]
    types = query("SELECT name, type FROM pragma_table_info('api_requests')", database=merged)
    assert {("tenant", "TEXT"), ("carts", "INTEGER")} <= set(types)
    assert is_whole(merged)


def test_column_that_is_no_name_of_a_field_is_refused(
    tmp_path: Path, query: Query, line: Line
) -> None:
    hosts = Hosts(tmp_path, line(1), line(2))
    with closing(sqlite3.connect(hosts.dbs[0])) as connection:
        connection.execute('ALTER TABLE api_requests ADD COLUMN "a) --" TEXT')
    with pytest.raises(StorageError, match="a column 'a\\) --' of api_requests that no record has"):
        hosts.merge()


def test_merging_again_changes_nothing(tmp_path: Path, query: Query, line: Line) -> None:
    hosts = Hosts(tmp_path, line(1) + line(2) + b"junk\n", line(3))
    hosts.merge()
    before = everything(query, hosts.merged)
    assert hosts.merge() == [Merged(0, 2), Merged(0, 1)]
    assert everything(query, hosts.merged) == before


def test_merging_later_takes_what_is_new(tmp_path: Path, query: Query, line: Line) -> None:
    hosts = Hosts(tmp_path, line(1), line(2))
    hosts.merge()
    for log, db, number in zip(hosts.logs, hosts.dbs, (5, 6), strict=True):
        with log.open("ab") as file:
            file.write(line(number))
        ingest([log], db)
    ingest(hosts.logs, hosts.both)
    assert hosts.merge() == [Merged(1, 1), Merged(1, 1)]
    assert everything(query, hosts.merged) == everything(query, hosts.both)
    assert is_whole(hosts.merged)


@pytest.mark.parametrize("kind", ["line", "foreign_line"])
def test_log_that_both_databases_read_counts_once(
    tmp_path: Path, query: Query, kind: str, request: pytest.FixtureRequest
) -> None:
    line: Line = request.getfixturevalue(kind)
    log = tmp_path / "shared.log"
    log.write_bytes(b"".join(line(n) for n in range(100)))
    first, second = tmp_path / "a.db", tmp_path / "b.db"
    ingest([log], first)
    with log.open("ab") as file:
        file.write(line(100))
    ingest([log], second)
    assert merge(first, second) == Merged(1, 100)
    assert query("SELECT count(*), count(DISTINCT path) FROM api_requests", database=first) == [
        (101, 101)
    ]
    assert is_whole(first)


def test_database_cannot_be_merged_into_itself(tmp_path: Path, line: Line) -> None:
    hosts = Hosts(tmp_path, line(1), line(2))
    with pytest.raises(StorageError, match="into itself"):
        merge(hosts.both, hosts.both)


def test_pruned_database_is_not_merged(tmp_path: Path, line: Line) -> None:
    hosts = Hosts(tmp_path, line(1) + line(2), line(3))
    prune(hosts.dbs[0], Retention(rows=1))
    with pytest.raises(StorageError, match="merge before pruning"):
        hosts.merge()


def test_logs_that_begin_alike_are_told_apart_line_by_line(tmp_path: Path, query: Query) -> None:
    """As uvicorn writes them, without a time, behind a proxy that looks whether it lives."""

    def lines(name: str) -> bytes:
        health = b'INFO:     10.0.0.1:0 - "GET /health HTTP/1.1" 200 OK\n' * 100
        own = (f'INFO:     10.0.0.1:0 - "GET /{name}/{n} HTTP/1.1" 200 OK\n' for n in range(50))
        return health + "".join(own).encode()

    hosts = Hosts(tmp_path, lines("a"), lines("b"))
    assert hosts.merge() == [Merged(150, 0), Merged(50, 100)]
    paths = "SELECT path FROM api_requests WHERE path <> '/health' ORDER BY path"
    assert query(paths, database=hosts.merged) == query(paths, database=hosts.both)
    assert is_whole(hosts.merged)


def test_line_that_could_be_read_in_the_end_is_no_reject_any_more(
    tmp_path: Path, log: Path, db: Path, line: Line, query: Query
) -> None:
    merged = tmp_path / "merged.db"
    log.write_bytes(line(1) + JSON_LINE)
    ingest([log], db)
    assert merge(merged, db) == Merged(1, 0)
    # Stored here, it would come with the next merge once more.
    assert retry_rejected(merged, LogFormat.JSON) == Retried(0, 1, of_merged=1)
    assert retry_rejected(db, LogFormat.JSON).stored == 1
    assert merge(merged, db) == Merged(1, 1)
    assert query("SELECT count(*) FROM rejected_lines", database=merged) == [(0,)]
    assert is_whole(merged)


@pytest.mark.skipif(sys.platform != "linux", reason="a name of any bytes, as Linux has it")
@pytest.mark.parametrize("name", [b"\xff.db", b"file:a.db"], ids=["bytes", "like a URI"])
def test_database_of_an_odd_name_is_made_copied_and_merged_under_it(
    tmp_path: Path, log: Path, line: Line, monkeypatch: pytest.MonkeyPatch, name: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    odd = Path(os.fsdecode(name))
    log.write_bytes(line(1))
    ingest([log], odd)
    back_up(odd, odd.with_suffix(".copy"))
    assert merge(tmp_path / "merged.db", odd.with_suffix(".copy")) == Merged(1, 0)
    assert odd.stat().st_size
