"""Files that cannot be read, or not yet, or go by another name: nothing else waits for them."""

from __future__ import annotations

import gzip
import os
import sqlite3
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import pytest

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.log import reader
from perfectcv_traffic.log.reader import Chunk, ReplacedError
from perfectcv_traffic.log.source import PlainFile
from perfectcv_traffic.store import database, segments
from perfectcv_traffic.store.batch import Counts
from perfectcv_traffic.store.database import writing
from perfectcv_traffic.store.doctor import rebuild_summary
from perfectcv_traffic.store.forget import forget
from perfectcv_traffic.store.ingest import Ingester, Options, ingest
from perfectcv_traffic.store.merge import merge
from perfectcv_traffic.store.retention import Retention, prune
from perfectcv_traffic.store.retry import retry_rejected
from perfectcv_traffic.store.segments import Segment
from perfectcv_traffic.store.stream import Stream

Query = Callable[..., list[tuple[Any, ...]]]
Line = Callable[..., bytes]


def lines_of(line: Line, numbers: range) -> bytes:
    return b"".join(line(number) for number in numbers)


def test_unreadable_rotated_file_is_named_and_the_log_is_read_all_the_same(
    log: Path, db: Path, line: Line, query: Query
) -> None:
    log.write_bytes(line(1))
    ingest([log], db)
    log.write_bytes(line(1) + line(2))
    log.with_name("api_traffic.log.1").write_bytes(line(8).decode().encode("utf-16"))
    other = log.with_name("other.log")
    other.write_bytes(line(3))
    with pytest.raises(StorageError, match=r"api_traffic\.log\.1 cannot be read"):
        ingest([log, other], db)
    assert query("SELECT request_id FROM api_requests ORDER BY id") == [("r1",), ("r2",), ("r3",)]


class Compression(Protocol):
    compress: Callable[[bytes], bytes]
    beginning: Callable[[bytes], bytes]


def test_damaged_rotated_file_is_told(
    log: Path, db: Path, foreign_line: Line, compression: Compression
) -> None:
    log.write_bytes(foreign_line(1))
    ingest([log], db)
    whole = compression.compress(lines_of(foreign_line, range(2, 3000)))
    log.with_name("api_traffic.log.1.gz").write_bytes(whole[:20] + b"\0" * 9 + whole[29:])
    notices: list[str] = []
    counts = ingest([log], db, options=Options(notice=notices.append))
    assert counts.lines < 2998
    assert [notice for notice in notices if "api_traffic.log.1.gz is damaged" in notice]


def test_cut_rotated_file_is_stored_up_to_the_cut_and_later_whole(
    log: Path, db: Path, foreign_line: Line, compression: Compression
) -> None:
    log.write_bytes(foreign_line(1))
    ingest([log], db)
    whole = compression.compress(lines_of(foreign_line, range(2, 30_000)))
    cut = whole[: len(whole) * 2 // 3]
    rotated = log.with_name("api_traffic.log.1.gz")
    rotated.write_bytes(cut)
    notices: list[str] = []
    there = compression.beginning(cut).count(b"\n")
    assert ingest([log], db, options=Options(notice=notices.append)).new == there > 0
    assert [notice for notice in notices if "api_traffic.log.1.gz is damaged" in notice]
    rotated.write_bytes(whole)
    assert ingest([log], db).new == 29_998 - there


def test_cut_compressed_file_is_decompressed_once_until_it_grows(
    log: Path, db: Path, foreign_line: Line
) -> None:
    log.write_bytes(foreign_line(1))
    ingest([log], db)
    whole = gzip.compress(lines_of(foreign_line, range(2, 3000)))
    rotated = log.with_name("api_traffic.log.1.gz")
    rotated.write_bytes(whole[:-200])
    notices: list[str] = []
    with writing(db) as connection:
        ingester = Ingester(connection, Options(notice=notices.append))
        with ingester.stream(log) as stream:
            for _ in range(5):
                stream.read(rotated=True)
            assert len([notice for notice in notices if "damaged" in notice]) == 1
            rotated.write_bytes(whole)
            stream.read(rotated=True)
            assert stream.total.new == 2998


def test_compressed_log_given_by_name_is_read_to_its_end(
    db: Path, tmp_path: Path, line: Line
) -> None:
    log = tmp_path / "old.log.gz"
    log.write_bytes(gzip.compress(line(1) + line(2).rstrip(b"\n")))
    assert ingest([log], db).new == 2
    assert ingest([log], db).lines == 0


def test_half_line_of_a_rotated_file_is_stored_though_its_id_is_known(
    log: Path, db: Path, line: Line
) -> None:
    log.write_bytes(line(1) + line(2))
    ingest([log], db)
    rotated = log.with_name("api_traffic.log.1")
    rotated.write_bytes(line(3) + line(2).rstrip(b"\n"))
    os.utime(rotated, (1, 1))
    assert ingest([log], db, options=Options(with_rotated=True)) == Counts(2, 1, 1)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are Unicode there")
def test_log_whose_name_is_not_utf_8_is_stored(db: Path, tmp_path: Path, line: Line) -> None:
    log = tmp_path / os.fsdecode(b"api\xff.log")
    log.write_bytes(line(1))
    assert ingest([log], db).new == 1
    assert ingest([log], db).lines == 0


def test_short_log_by_another_path_is_the_same_log(log: Path, db: Path, foreign_line: Line) -> None:
    log.write_bytes(foreign_line(1))
    ingest([log], db)
    (log.parent / "folder").mkdir()
    assert ingest([log.parent / "folder" / ".." / log.name], db).lines == 0


def test_registration_stopped_in_the_middle_leaves_the_log_unknown(
    log: Path, db: Path, line: Line
) -> None:
    def deny_signatures(action: int, table: str | None, *_: str | None) -> int:
        is_signature = action == sqlite3.SQLITE_INSERT and table == "log_files_done"
        return sqlite3.SQLITE_DENY if is_signature else sqlite3.SQLITE_OK

    log.write_bytes(line(1))
    with writing(db) as connection:
        connection.set_authorizer(deny_signatures)
        with pytest.raises(sqlite3.DatabaseError):
            segments.register(connection, log, ["one"])
        connection.set_authorizer(None)
        assert not segments.is_known(connection, log)


def test_line_behind_more_nuls_than_a_chunk_holds_is_stored(
    log: Path, db: Path, foreign_line: Line, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As copytruncate leaves them to a writer that does not append: uvicorn > access.log."""
    monkeypatch.setattr(reader, "CHUNK_SIZE", 65_536)
    with log.open("wb", buffering=0) as file:
        file.write(lines_of(foreign_line, range(1, 4)))
        ingest([log], db)
        os.truncate(log, 0)
        file.seek(500_000)
        file.write(lines_of(foreign_line, range(4, 1200)))
    assert ingest([log], db) == Counts(lines=1196, new=1196)
    assert query("SELECT path FROM api_requests") == [(f"/items/{n}",) for n in range(1, 1200)]
    assert ingest([log], db).lines == 0


def test_log_that_was_cut_once_is_not_compared_for_ever(
    log: Path, db: Path, foreign_line: Line
) -> None:
    log.write_bytes(lines_of(foreign_line, range(100)))
    ingest([log], db)
    log.write_bytes(lines_of(foreign_line, range(90)) + lines_of(foreign_line, range(500, 600)))
    assert ingest([log], db).duplicate == 90
    with log.open("ab") as file:
        file.write(foreign_line(600))
    with writing(db) as connection:
        statements: list[str] = []
        connection.set_trace_callback(statements.append)
        with Ingester(connection, Options()).stream(log) as stream:
            stream.read(rotated=False)
        assert stream.total.new == 1
    assert not [statement for statement in statements if "earlier_lines" in statement]


def test_logs_that_begin_alike_go_on_side_by_side(db: Path, tmp_path: Path, query: Query) -> None:
    """As uvicorn writes them, without a time, behind a proxy that looks whether it lives."""
    logs = [tmp_path / "a.log", tmp_path / "b.log"]
    for turn in range(4):
        for log in logs:
            with log.open("ab") as file:
                file.write(
                    b'INFO:     10.0.0.1:0 - "GET /health HTTP/1.1" 200 OK\n' * 100 * (not turn)
                )
                file.write(
                    f'INFO:     10.0.0.1:0 - "GET /{log.stem}/{turn} HTTP/1.1" 200 OK\n'.encode()
                )
        assert ingest(logs, db).lines == (2 if turn else 202)
    assert query("SELECT path, generation, parent, stored FROM log_files ORDER BY id") == [
        (str(log), 1, None, 104) for log in logs
    ]


@pytest.mark.parametrize("seen", [0, 200], ids=["empty", "begun"])
def test_copy_that_is_being_made_when_it_is_found_is_known_by_what_it_becomes(
    log: Path, db: Path, foreign_line: Line, seen: int
) -> None:
    log.write_bytes(lines_of(foreign_line, range(50)))
    ingest([log], db)
    copy = log.with_name("api_traffic.log.1")
    copy.write_bytes(log.read_bytes()[:seen])
    with writing(db) as connection:
        ingester = Ingester(connection, Options())

        def store(segment: Segment, chunks: Iterable[Chunk], total: Counts) -> None:
            copy.write_bytes(log.read_bytes())  # after it was compared, before it is read
            ingester.store(segment, chunks, total)

        with closing(Stream(log, connection, store)) as stream:
            stream.read(rotated=True)
        assert stream.total == Counts()


class Truncated(PlainFile):
    """A log that is copied and truncated as soon as its beginning was read."""

    def read_at(self, offset: int, length: int) -> bytes:
        data = super().read_at(offset, length)
        if not offset and data:
            os.truncate(self.path, 0)
        return data


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be truncated by another")
def test_log_truncated_while_it_is_compared_is_no_fork_of_what_it_was(
    log: Path, db: Path, foreign_line: Line
) -> None:
    log.write_bytes(lines_of(foreign_line, range(50)))
    ingest([log], db)
    with writing(db) as connection, closing(Truncated(log)) as source:
        with pytest.raises(ReplacedError):
            segments.match(connection, log, source, is_live=True)
        found = segments.match(connection, log, source, is_live=True)
    assert found is not None
    assert found.parent is None


def _is_rebuilt(db: Path, notice: Callable[[str], None]) -> bool:
    rebuild_summary(db, notice=notice)
    return True


@pytest.mark.parametrize(
    "work",
    [
        lambda log, db, notice: ingest([log], db, options=Options(notice=notice)).new == 1,
        lambda _, db, notice: prune(db, Retention(rows=0), notice=notice) == 1,
        lambda _, db, notice: forget(db, ["10.0.0.1"], notice=notice) == {"10.0.0.1": 1},
        lambda _, db, notice: retry_rejected(db, notice=notice).still_rejected == 0,
        lambda _, db, notice: _is_rebuilt(db, notice),
        lambda _, db, notice: merge(db, db.with_name("other.db"), notice=notice).new == 0,
    ],
    ids=["ingest", "prune", "forget", "retry", "rebuild", "merge"],
)
def test_whoever_waits_for_another_program_says_so(
    log: Path, db: Path, line: Line, work: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PATIENCE_MS", 50)
    log.write_bytes(line(1))
    for one in (db, db.with_name("other.db")):
        ingest([log], one)
    with log.open("ab") as file:
        file.write(line(2))
    told: list[str] = []
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        def let_go(message: str) -> None:
            told.append(message)
            if other.in_transaction:
                other.execute("ROLLBACK")

        assert work(log, db, let_go)
    assert f"database {db} is locked by another program: waiting 30 s for it" in told
