"""Long logs, which a second process prepares, in transactions of many chunks."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perfectcv_traffic.log import reader
from perfectcv_traffic.record import NullDetail
from perfectcv_traffic.store import prepare_ahead, preparer_process
from perfectcv_traffic.store.batch import Counts
from perfectcv_traffic.store.doctor import examine
from perfectcv_traffic.store.ingest import Options, ingest

Line = Callable[..., bytes]
Query = Callable[..., list[tuple[Any, ...]]]

LINES = 50_000
PATHS = 300

TABLES = (
    "api_requests", "null_value_logs", "rejected_lines", "summary_requests", "summary_nulls",
    "rate_limit_tracking", "url_access_counts", "summary_endpoints", "summary_hours",
    "summary_null_fields", "summary_clients",
)  # fmt: skip

INGEST = """
import sys
from pathlib import Path
from perfectcv_traffic.store import prepare_ahead
from perfectcv_traffic.store.ingest import Options, ingest
prepare_ahead.GROUP_SIZE = 8_388_608
log, db = map(Path, sys.argv[1:])
ingest([log], db, options=Options(in_parallel=True, progress=lambda n: print(n, flush=True)))
"""
"""Tells of every chunk that it inserted; two to a transaction."""


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks and groups of them in a log of some hundred lines."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(preparer_process, "LONG_LOG", 0)
    monkeypatch.setattr(preparer_process, "LONG_CHUNK", 0)
    monkeypatch.setattr(reader, "CHUNK_SIZE", 65_536)
    monkeypatch.setattr(prepare_ahead, "GROUP_SIZE", 300_000)


def contents(db: Path) -> list[list[tuple[Any, ...]]]:
    """Every row of every table, without the numbers of summary rows."""
    connection = sqlite3.connect(db)
    try:
        return [_rows(connection, table) for table in TABLES]
    finally:
        connection.close()


def _rows(connection: sqlite3.Connection, table: str) -> list[tuple[Any, ...]]:
    info = connection.execute(f"PRAGMA table_info({table})").fetchall()
    names = [row[1] for row in info if row[1] != "id" or table == "api_requests"]
    order = "id" if table == "api_requests" else ", ".join(names)
    query = f"SELECT {', '.join(names)} FROM {table} ORDER BY {order}"
    return connection.execute(query).fetchall()


def is_whole(db: Path) -> bool:
    return all(check.is_ok for check in examine(db, deep=True))


def write_log(log: Path, line: Line, count: int = LINES) -> None:
    """Lines of about 850 bytes that differ in what a summary looks at."""
    null = NullDetail(field_name="a", field_path="a[0].b", location="json_body", kind="json_null")
    with log.open("wb") as file:
        for number in range(count):
            nulls = {"null_params_count": 1, "null_params_details": [null]}
            file.write(
                line(
                    number,
                    path=f"/items/{number % PATHS}",
                    response_body="x" * 550,
                    **(nulls if number % 7 == 0 else {}),
                )
            )


def killed_after(log: Path, db: Path, chunks: int, seconds: float) -> bool:
    """Ingest, and kill the process some time after it inserted chunks; False if it ended."""
    command = [sys.executable, "-c", INGEST, str(log), str(db)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        told = [process.stdout.readline() for _ in range(chunks)]
        time.sleep(seconds)  # a moment to die at, whatever it does then
        process.send_signal(signal.SIGKILL)
        return bool(told[-1])


def test_bulk_ingest_killed_at_any_point_stores_each_line_once(
    log: Path, db: Path, tmp_path: Path, line: Line
) -> None:
    write_log(log, line)
    assert log.stat().st_size > preparer_process.LONG_LOG
    chance, kills = random.Random(4), 0
    while killed_after(log, db, chance.randrange(1, 5), chance.uniform(0, 0.1)):
        kills += 1
    assert kills >= 2
    assert ingest([log], db) == Counts()
    ingest([log], tmp_path / "alone.db")
    is_same = contents(db) == contents(tmp_path / "alone.db")  # too much to be shown
    assert is_same
    assert is_whole(db)


@pytest.mark.usefixtures("small")
def test_second_process_stores_the_same(log: Path, db: Path, tmp_path: Path, line: Line) -> None:
    write_log(log, line, 3000)
    with log.open("ab") as file:
        file.write(b"junk\n\n" + line(5))
    counts = ingest([log], db, options=Options(in_parallel=True))
    assert counts == ingest([log], tmp_path / "alone.db") == Counts(3003, 3000, 1, 1, 1)
    assert contents(db) == contents(tmp_path / "alone.db")
    assert is_whole(db)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("group", [1, 100_000, 150_000])
def test_summary_after_every_few_chunks_is_never_more_than_there_is_room_for(
    log: Path, db: Path, tmp_path: Path, line: Line, monkeypatch: pytest.MonkeyPatch, group: int
) -> None:
    monkeypatch.setattr(prepare_ahead, "GROUP_SIZE", group)
    write_log(log, line, 3000)
    assert ingest([log], db, options=Options(in_parallel=True)).new == 3000
    ingest([log], tmp_path / "alone.db")
    assert contents(db) == contents(tmp_path / "alone.db")
    assert is_whole(db)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("place", [0, 700, 1500, 2999])
def test_duplicate_in_a_group_takes_back_nothing_but_itself(
    log: Path, db: Path, tmp_path: Path, line: Line, place: int
) -> None:
    lines = [line(number) for number in range(3000)]
    lines[place] = line(place, event_id="e00000042")
    log.write_bytes(b"".join(lines))
    taken: list[int] = []
    counts = ingest([log], db, options=Options(in_parallel=True, progress=taken.append))
    assert counts == Counts(lines=3000, new=2999, duplicate=1)
    assert sum(taken) == log.stat().st_size
    ingest([log], tmp_path / "alone.db")
    assert contents(db) == contents(tmp_path / "alone.db")


@pytest.mark.usefixtures("small")
def test_log_whose_lines_are_stored_under_another_name_is_all_duplicates(
    log: Path, db: Path, tmp_path: Path, line: Line
) -> None:
    write_log(log, line, 2000)
    other = tmp_path / "copy" / "other.log"
    other.parent.mkdir()
    other.write_bytes(line(5000) + log.read_bytes())
    options = Options(in_parallel=True)
    assert ingest([log], db, options=options).new == 2000
    assert ingest([other], db, options=options) == Counts(lines=2001, new=1, duplicate=2000)
    assert is_whole(db)


@pytest.mark.usefixtures("small")
@pytest.mark.skipif(sys.platform != "linux", reason="a process's children are found in /proc")
def test_second_process_that_dies_is_done_without(
    log: Path, db: Path, tmp_path: Path, line: Line
) -> None:
    write_log(log, line, 3000)
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children")
    before = set(children.read_text().split())

    def kill_it(_bytes: int) -> None:
        for child in set(children.read_text().split()) - before:
            os.kill(int(child), signal.SIGKILL)

    counts = ingest([log], db, options=Options(in_parallel=True, progress=kill_it))
    assert counts == Counts(lines=3000, new=3000)
    ingest([log], tmp_path / "alone.db")
    assert contents(db) == contents(tmp_path / "alone.db")


@pytest.mark.usefixtures("small")
def test_a_module_of_the_working_directory_is_not_run_by_it(
    log: Path, db: Path, tmp_path: Path, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("import pathlib; pathlib.Path('ran').touch()\n")
    monkeypatch.chdir(tmp_path)
    write_log(log, line, 2000)
    assert ingest([log], db, options=Options(in_parallel=True)) == Counts(lines=2000, new=2000)
    assert not (tmp_path / "ran").exists()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("said", ["hello from a stray print\n", "\\xff" * 8])
def test_second_process_that_says_something_else_is_done_without(
    log: Path, db: Path, tmp_path: Path, line: Line, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        f"import sys\nif 'perfectcv_traffic.store.preparer_main' in sys.orig_argv:\n"
        f"    sys.stdout.buffer.write(b{said!r}); sys.stdout.buffer.flush()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    write_log(log, line, 2000)
    assert ingest([log], db, options=Options(in_parallel=True)) == Counts(lines=2000, new=2000)
    ingest([log], tmp_path / "alone.db")
    assert contents(db) == contents(tmp_path / "alone.db")


def has_ended(found: preparer_process.PreparerProcess) -> bool:
    return found._process.poll() is not None


@pytest.mark.usefixtures("small")
def test_process_started_early_is_the_one_that_prepares(log: Path) -> None:
    log.write_bytes(b"{}\n")
    preparer_process.start_early(log)
    (early,) = preparer_process._early
    with preparer_process.preparing([log], wanted=True) as found:
        assert found is early
        assert not has_ended(early)
    assert has_ended(early)


@pytest.mark.usefixtures("small")
def test_process_started_early_ends_if_it_is_not_wanted(log: Path) -> None:
    log.write_bytes(b"{}\n")
    preparer_process.start_early(log)
    (early,) = preparer_process._early
    with preparer_process.preparing([log], wanted=False) as found:
        assert found is None
        assert has_ended(early)


@pytest.mark.parametrize(("processors", "least"), [(1, 0), (2, 100)], ids=["one", "short"])
def test_no_process_is_started_early_where_it_does_not_help(
    log: Path, monkeypatch: pytest.MonkeyPatch, processors: int, least: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    monkeypatch.setattr(preparer_process, "LONG_LOG", least)
    log.write_bytes(b"{}\n")
    preparer_process.start_early(log)
    assert not preparer_process._early
