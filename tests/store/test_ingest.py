from __future__ import annotations

import gzip
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from perfectcv_traffic.errors import LockedError, StorageError
from perfectcv_traffic.log.formats import LogFormat
from perfectcv_traffic.store.batch import Counts
from perfectcv_traffic.store.doctor import examine
from perfectcv_traffic.store.ingest import Options, ingest, only_ingester
from perfectcv_traffic.store.witness import witness_path

Query = Callable[..., list[tuple[Any, ...]]]
Line = Callable[..., bytes]


def lines(line: Line, *numbers: int) -> bytes:
    return b"".join(line(number) for number in numbers)


def is_whole(db: Path) -> bool:
    return all(check.is_ok for check in examine(db, deep=True))


def test_ingest_run_again_stores_nothing(log: Path, db: Path, line: Line) -> None:
    log.write_bytes(lines(line, 1, 2, 3))
    assert ingest([log], db) == Counts(lines=3, new=3)
    assert ingest([log], db) == Counts()
    assert is_whole(db)


def test_half_line_waits_for_its_other_half(log: Path, db: Path, line: Line, query: Query) -> None:
    log.write_bytes(line(1) + line(2)[:30])
    notices: list[str] = []
    options = Options(notice=notices.append)
    assert ingest([log], db, options=options).new == 1
    assert any("not finished" in notice for notice in notices)
    with log.open("ab") as file:
        file.write(line(2)[30:])
    assert ingest([log], db) == Counts(lines=1, new=1)
    assert query("SELECT request_id FROM api_requests ORDER BY id") == [("r1",), ("r2",)]


def test_every_line_is_accounted_for(log: Path, db: Path, line: Line, query: Query) -> None:
    torn = line(3)[:40] + line(4)
    log.write_bytes(line(1) + b"\r\n" + b"junk\n" + torn + line(1) + line(2))
    counts = ingest([log], db)
    assert counts == Counts(lines=6, new=3, duplicate=1, rejected=2, blank=1, salvaged=1)
    assert query("SELECT reason FROM rejected_lines ORDER BY log_offset") == [("json",), ("torn",)]
    assert is_whole(db)


def test_records_known_from_another_log_count_as_duplicate(log: Path, db: Path, line: Line) -> None:
    log.write_bytes(lines(line, *range(5)))
    ingest([log], db)
    other = log.with_name("restored.txt")
    other.write_bytes(line(9) + log.read_bytes())
    assert ingest([other], db) == Counts(lines=6, new=1, duplicate=5)
    assert is_whole(db)


def test_long_copy_of_a_foreign_log_is_the_same_log(
    log: Path, db: Path, foreign_line: Line
) -> None:
    log.write_bytes(lines(foreign_line, *range(100)))
    ingest([log], db)
    copy = log.with_name("restored.txt")
    shutil.copy(log, copy)
    with copy.open("ab") as file:
        file.write(foreign_line(100))
    assert ingest([copy], db) == Counts(lines=1, new=1)


@pytest.mark.parametrize("suffix", [".1", "-20260102", ".1-2026010205.backup", ".2.gz"])
def test_rest_of_a_rotated_log_is_read(
    log: Path, db: Path, foreign_line: Line, query: Query, suffix: str
) -> None:
    log.write_bytes(lines(foreign_line, 1, 2))
    ingest([log], db)
    with log.open("ab") as file:
        file.write(foreign_line(3))
    rotated = log.with_name(log.name + suffix)
    if suffix.endswith(".gz"):
        rotated.write_bytes(gzip.compress(log.read_bytes()))
        log.unlink()
    else:
        log.rename(rotated)
    log.write_bytes(foreign_line(4))
    assert ingest([log], db) == Counts(lines=2, new=2)
    assert ingest([log], db) == Counts()
    found = query("SELECT path FROM api_requests ORDER BY id")
    assert found == [(f"/items/{number}",) for number in (1, 2, 3, 4)]


def test_old_rotated_log_is_left_out_at_first(
    log: Path, db: Path, foreign_line: Line, tmp_path: Path
) -> None:
    old = log.with_name(log.name + ".1")
    old.write_bytes(foreign_line(1))
    os.utime(old, (1_700_000_000, 1_700_000_000))
    log.write_bytes(foreign_line(2))
    assert ingest([log], db).new == 1
    assert ingest([log], db).new == 0
    other = tmp_path / "all.db"
    assert ingest([log], other, options=Options(with_rotated=True)).new == 2


def test_copytruncate_loses_nothing_that_was_copied(
    log: Path, db: Path, foreign_line: Line
) -> None:
    log.write_bytes(lines(foreign_line, *range(50)))
    ingest([log], db)
    with log.open("ab") as file:
        file.write(lines(foreign_line, 50, 51))
    shutil.copy(log, log.with_name(log.name + ".1"))
    os.truncate(log, 0)
    with log.open("ab") as file:
        file.write(lines(foreign_line, *range(52, 150)))
    assert ingest([log], db) == Counts(lines=100, new=100)
    assert ingest([log], db) == Counts()


@pytest.mark.parametrize("count", [4, 400])
def test_log_that_lost_its_tail_keeps_rows_and_adds_new_ones(
    log: Path, db: Path, foreign_line: Line, query: Query, count: int
) -> None:
    whole = lines(foreign_line, *range(count))
    log.write_bytes(whole)
    ingest([log], db)
    kept = whole[: whole.rfind(b"\n", 0, len(whole) * 3 // 4) + 1]
    os.truncate(log, len(kept))
    with log.open("ab") as file:
        file.write(lines(foreign_line, 1000, 1001))
    counts = ingest([log], db)
    assert (counts.new, counts.duplicate) == (2, kept.count(b"\n"))
    assert query("SELECT count(*), count(DISTINCT path) FROM api_requests") == [
        (count + 2, count + 2)
    ]
    assert ingest([log], db) == Counts()
    assert is_whole(db)


def test_line_longer_than_memory_should_hold_is_one_reject(
    log: Path, db: Path, line: Line, query: Query
) -> None:
    length = 20_000_000
    log.write_bytes(line(1) + b'{"request_id":"' + b"x" * length + b'"}\n' + line(2))
    assert ingest([log], db) == Counts(lines=3, new=2, rejected=1)
    [(reason, stored_length, detail)] = query("SELECT reason, length, detail FROM rejected_lines")
    assert (reason, stored_length) == ("too_long", length + 17)
    assert detail.startswith("sha256 ")
    assert ingest([log], db) == Counts()


def test_database_that_was_emptied_is_refused(log: Path, db: Path, line: Line) -> None:
    log.write_bytes(line(1))
    ingest([log], db)
    db.write_bytes(b"")
    with pytest.raises(StorageError, match="not the one that was here"):
        ingest([log], db)
    witness_path(db).unlink()
    assert ingest([log], db).new == 1


@pytest.mark.parametrize("damage", ["half", "noise", "text"])
def test_damaged_database_is_refused(log: Path, db: Path, line: Line, damage: str) -> None:
    log.write_bytes(lines(line, *range(300)))
    ingest([log], db)
    data = bytearray(db.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    if damage == "half":
        data = data[:middle]
    elif damage == "noise":
        data[middle : middle + 4096] = os.urandom(4096)
    else:
        data[:1000] = b"not a database".ljust(1000)
    db.write_bytes(data)
    with pytest.raises(StorageError, match=r"damaged|not an SQLite database"):
        ingest([log], db)


def test_second_ingester_is_told_that_there_is_one(log: Path, db: Path, line: Line) -> None:
    log.write_bytes(line(1))
    with only_ingester(db), pytest.raises(LockedError, match="another ingester"):
        ingest([log], db)


@pytest.mark.skipif(sys.platform == "win32", reason="a link is a privilege there")
def test_second_ingester_is_told_so_by_whatever_link_it_comes(
    log: Path, db: Path, line: Line, tmp_path: Path
) -> None:
    log.write_bytes(line(1))
    link = tmp_path / "linked.db"
    link.symlink_to(db)
    with only_ingester(link), pytest.raises(LockedError, match="another ingester"):
        ingest([log], db)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes in directories")
def test_pipe_is_refused_with_what_to_do_instead(db: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for log in (Path("-"), pipe):
        with pytest.raises(StorageError, match=r"is a pipe, which cannot be read twice: write it"):
            ingest([log], db)
    assert not db.exists()


def test_log_that_was_rotated_away_is_read_to_its_end(log: Path, db: Path, line: Line) -> None:
    log.write_bytes(line(1))
    ingest([log], db)
    with log.open("ab") as file:
        file.write(line(2))
    log.rename(f"{log}.1")  # by a nightly rotation; nothing was requested since

    assert ingest([log], db, options=Options(in_parallel=True)).new == 1
    assert ingest([log], db).lines == 0


def test_missing_log_is_named(db: Path, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"none\.log does not exist"):
        ingest([tmp_path / "none.log"], db)


def test_record_that_sqlite_cannot_hold_is_rejected(
    log: Path, db: Path, line: Line, query: Query
) -> None:
    from perfectcv_traffic.record import TrafficLog

    class Wide(TrafficLog, kw_only=True):
        number: int = 0

    wide = line(2).replace(b'{"request', b'{"number":9999999999999999999,"request')
    log.write_bytes(line(1) + wide + line(3))
    assert ingest([log], db, model=Wide) == Counts(lines=3, new=2, rejected=1)
    assert query("SELECT reason, log_offset, length, raw FROM rejected_lines") == [
        ("unstorable:OverflowError", len(line(1)), len(wide) - 1, wide[:-1].decode())
    ]


def test_database_files_are_opened_by_sqlite_alone(log: Path, db: Path, line: Line) -> None:
    """Closing a descriptor of our own would drop SQLite's locks on the file."""
    opened: list[str] = []
    names = {str(db) + suffix for suffix in ("", "-wal", "-shm")}

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and str(arguments[0]) in names and names_watched:
            opened.append(str(arguments[0]))

    names_watched = True
    sys.addaudithook(hook)
    log.write_bytes(line(1))
    ingest([log], db)
    ingest([log], db)
    names_watched = False
    assert opened == []


@pytest.mark.parametrize(
    ("same", "counts"),
    [
        (b'INFO:     203.0.113.7:0 - "GET /health HTTP/1.1" 200 OK\n', Counts(lines=5, new=5)),
        (
            b'203.0.113.7 - - [21/Nov/2026:10:00:00 +0000] "GET /health HTTP/1.1" 200 2\n',
            Counts(lines=5, duplicate=5),
        ),
    ],
)
def test_short_log_begun_anew_with_equal_lines_is_new_if_they_have_no_time(
    log: Path, db: Path, query: Query, same: bytes, counts: Counts
) -> None:
    said: list[str] = []
    log.write_bytes(same * 10)
    ingest([log], db)
    os.truncate(log, 0)
    log.write_bytes(same * 5)
    assert ingest([log], db, options=Options(notice=said.append)) == counts
    assert any("5 lines as before" in message for message in said) == (counts.new > 0)
    with log.open("ab") as file:
        file.write(same * 2)
    assert ingest([log], db).new == 2
    assert query("SELECT count(*) FROM api_requests") == [(12 + counts.new,)]


def test_given_format_wins_over_the_first_lines(
    log: Path, db: Path, foreign_line: Line, line: Line
) -> None:
    log.write_bytes(foreign_line(1) + line(1))
    counts = ingest([log], db, options=Options(log_format=LogFormat.NATIVE))
    assert (counts.new, counts.rejected) == (1, 1)


def test_first_ingest_tells_old_rotated_files_by_the_log_not_by_the_clock(
    log: Path, db: Path, line: Line, query: Query
) -> None:
    rotated = [log.with_name(f"{log.name}.{number}") for number in (1, 2)]
    for number, path in enumerate((log, *rotated)):
        path.write_bytes(line(number))
    # All of it long ago, as if the clock had jumped: the first was rotated just before the end.
    for path, seconds in ((log, 10_000), (rotated[0], 9_000), (rotated[1], 1_000)):
        os.utime(path, (seconds, seconds))
    ingest([log], db)
    assert query("SELECT request_id FROM api_requests ORDER BY 1") == [("r0",), ("r1",)]


class Compression(Protocol):
    compress: Callable[[bytes], bytes]


def test_compressed_log_keeps_its_place(
    log: Path, db: Path, line: Line, query: Query, compression: Compression
) -> None:
    log.write_bytes(lines(line, 1, 2))
    ingest([log], db)
    packed = compression.compress(lines(line, 1, 2, 3)) + compression.compress(line(4))
    log.with_name(f"{log.name}.1.zst").write_bytes(packed)
    log.write_bytes(line(5))
    ingest([log], db)
    found = query("SELECT request_id FROM api_requests ORDER BY id")
    assert found == [("r1",), ("r2",), ("r3",), ("r4",), ("r5",)]
