from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from perfectcv_traffic.errors import ExitCode, LockedError, StorageError
from perfectcv_traffic.store.follow import follow
from perfectcv_traffic.store.ingest import Options, ingest, only_ingester
from perfectcv_traffic.store.prepare import STEP_LINES, Task, steps

Query = Callable[..., list[tuple[Any, ...]]]
Line = Callable[..., bytes]


class Steps:
    """In place of waiting: does the next thing to the log, and stops after the last."""

    def __init__(self, *actions: Callable[[], object]) -> None:
        self._actions = iter(actions)

    def wait(self, _seconds: float) -> bool:
        action = next(self._actions, None)
        if action is not None:
            action()
        return action is not None


def test_lines_are_stored_as_they_come(log: Path, db: Path, line: Line, query: Query) -> None:
    def append(data: bytes) -> Callable[[], object]:
        def act() -> None:
            with log.open("ab") as file:
                file.write(data)

        return act

    seen: list[int] = []

    def look() -> None:
        seen.append(query("SELECT count(*) FROM api_requests")[0][0])

    steps = Steps(append(line(1)), look, append(line(2)[:9]), look, append(line(2)[9:]), look)
    assert follow([log], db, steps.wait, options=Options()).new == 2
    assert seen == [1, 1, 2]


def test_log_rotated_while_followed_is_read_to_its_end(
    log: Path, db: Path, foreign_line: Line, query: Query
) -> None:
    log.write_bytes(foreign_line(1))
    late = log.open("ab", buffering=0)

    def rotate() -> None:
        log.rename(log.with_name("elsewhere"))  # not even found among the rotated names
        log.write_bytes(foreign_line(2))

    steps = Steps(rotate, lambda: late.write(foreign_line(3)), lambda: None)
    follow([log], db, steps.wait, options=Options())
    late.close()
    paths = query("SELECT path FROM api_requests ORDER BY path")
    assert paths == [("/items/1",), ("/items/2",), ("/items/3",)]


def test_log_deleted_while_followed_is_read_to_its_end(
    log: Path, db: Path, foreign_line: Line, query: Query
) -> None:
    log.write_bytes(foreign_line(1))
    late = log.open("ab", buffering=0)
    steps = Steps(log.unlink, lambda: late.write(foreign_line(2)), lambda: None)
    follow([log], db, steps.wait, options=Options())
    late.close()
    assert query("SELECT count(*) FROM api_requests") == [(2,)]


def test_follower_waits_for_a_log_that_is_not_there_yet(
    log: Path, db: Path, line: Line, query: Query
) -> None:
    steps = Steps(lambda: None, lambda: log.write_bytes(line(1)), lambda: None)
    follow([log], db, steps.wait, options=Options())
    assert query("SELECT count(*) FROM api_requests") == [(1,)]


def test_locked_database_is_waited_out(
    log: Path, db: Path, line: Line, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    from perfectcv_traffic.store import database

    log.touch()
    ingest([log], db)
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.01)
    notices: list[str] = []
    other = sqlite3.connect(db, isolation_level=None)

    def block() -> None:
        other.execute("BEGIN IMMEDIATE")
        log.write_bytes(line(1))

    with closing(other):
        waited = iter([block, lambda: None, lambda: other.execute("ROLLBACK"), *[None] * 20])

        def wait(_seconds: float) -> bool:
            if action := next(waited, None):
                action()
            return query("SELECT count(*) FROM api_requests") == [(0,)]

        monkeypatch.setattr("perfectcv_traffic.store.follow.FIRST_RETRY", 0.01)
        assert follow([log], db, wait, options=Options(notice=notices.append)).new == 1
    assert any("is locked by another program" in notice for notice in notices)


def test_second_follower_is_told_that_there_is_one(log: Path, db: Path) -> None:
    with only_ingester(db), pytest.raises(LockedError):
        follow([log], db, Steps().wait, options=Options())


@contextmanager
def following(log: Path, db: Path, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "perfectcv_traffic", "ingest", "--follow", str(log)]
    with subprocess.Popen(
        [*command, "--db", str(db), *more], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stderr is not None
            assert b"native format" in process.stderr.readline()
            yield process
        finally:
            process.kill()


def test_follower_ends_with_the_program_that_started_it(
    log: Path, db: Path, line: Line, query: Query
) -> None:
    log.write_bytes(line(1))
    with following(log, db, "--until-stdin-closes") as process:
        assert process.stdin is not None
        with log.open("ab") as file:
            file.write(line(2))  # the last words of a program that ends
        process.stdin.close()
        assert process.wait(30) == ExitCode.OK
    assert query("SELECT count(*) FROM api_requests") == [(2,)]


@pytest.mark.skipif(os.name == "nt", reason="no SIGTERM")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
def test_follower_ends_cleanly_when_asked(log: Path, db: Path, line: Line, number: str) -> None:
    log.write_bytes(line(1))
    with following(log, db) as process:
        process.send_signal(getattr(signal, number))
        assert process.wait(30) == ExitCode.OK
        assert process.stderr is not None
        assert b"1 new + 0 duplicate + 0 rejected" in process.stderr.read()
    assert not db.with_name(db.name + "-wal").exists()


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_follower_beside_a_program_outlasts_signals_to_the_whole_service(
    log: Path, db: Path, line: Line, query: Query
) -> None:
    log.write_bytes(line(1))
    with following(log, db, "--until-stdin-closes") as process:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            process.send_signal(getattr(signal, name))
        with log.open("ab") as file:
            file.write(line(2))  # the program that started it still ends its requests
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == ExitCode.OK
    assert query("SELECT count(*) FROM api_requests") == [(2,)]


@pytest.mark.parametrize("with_oddities", [False, True])
def test_follower_that_gives_way_stores_the_same(
    log: Path, db: Path, line: Line, tmp_path: Path, with_oddities: bool
) -> None:
    lines = [line(number, null_params_count=number % 3) for number in range(150)]
    if with_oddities:
        lines[40:40] = [b"\n", b"no record\n", line(900)[:50] + line(901), b"{}\n", lines[7]]
        lines[90] = line(902, request_body="x" * 100_000)
    log.write_bytes(b"".join(lines))
    points: list[None] = []
    other = tmp_path / "other.db"
    gave_way = follow(
        [log], db, Steps().wait, options=Options(give_way=lambda: points.append(None))
    )
    assert gave_way == follow([log], other, Steps().wait, options=Options())
    assert contents(db) == contents(other)
    assert len(points) > 3 * len(lines) / STEP_LINES


def contents(db: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, whenever it was written."""
    with closing(sqlite3.connect(db)) as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        return {
            name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
            for (name,) in tables
            if name not in ("log_files", "log_streams", "store_meta")
        }


def test_task_is_cut_between_lines() -> None:
    data = b"".join(b"%d\n" % number for number in range(100)) + b"y" * 200_000 + b"\nz\n"
    cut = list(steps(Task("native", "log", 7, data)))
    assert b"".join(step.data for step in cut) == data
    assert [step.start for step in cut] == [
        7 + sum(len(step.data) for step in cut[:number]) for number in range(len(cut))
    ]
    assert all(step.data.endswith(b"\n") for step in cut)
    assert [step.data.count(b"\n") for step in cut] == [STEP_LINES, 101 - STEP_LINES, 1]


def test_second_process_exits_with_its_own_code(log: Path, db: Path, line: Line) -> None:
    log.write_bytes(line(1))
    with following(log, db):
        command = [sys.executable, "-m", "perfectcv_traffic", "ingest", str(log), "--db", str(db)]
        other = subprocess.run(command, capture_output=True, text=True, check=False)
        assert other.returncode == ExitCode.LOCKED
        assert "another ingester" in other.stderr


def test_own_model_is_named_on_the_command_line(
    log: Path, db: Path, line: Line, query: Query, tmp_path: Path
) -> None:
    tmp_path.joinpath("own_model.py").write_text(
        "from perfectcv_traffic.record import TrafficLog\n\n\n"
        "class Own(TrafficLog, kw_only=True):\n    tenant: str | None = None\n"
    )
    log.write_bytes(line(1)[:-2] + b',"tenant":"blue"}\n')
    command = [sys.executable, "-m", "perfectcv_traffic", "ingest", str(log), "--db", str(db)]
    subprocess.run([*command, "--model", "own_model:Own"], check=True, cwd=tmp_path)
    assert query("SELECT tenant FROM api_requests") == [("blue",)]
    missing = subprocess.run([*command, "--model", "none:None"], check=False, cwd=tmp_path)
    assert missing.returncode == ExitCode.USAGE


def test_logs_that_cannot_be_read_are_told_once_while_others_are_followed(
    log: Path, db: Path, line: Line
) -> None:
    folder = log.with_name("folder.log")
    folder.mkdir()
    log.write_bytes(line(1))
    notices: list[str] = []
    steps = Steps(*[lambda: None] * 5, lambda: log.write_bytes(line(1) + line(2)))
    options = Options(notice=notices.append)
    assert follow([folder, log], db, steps.wait, options=options).new == 2
    assert len([notice for notice in notices if "folder.log cannot be read" in notice]) == 1


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be deleted")
def test_log_deleted_while_the_database_is_locked_is_read_to_its_end(
    log: Path, db: Path, foreign_line: Line, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    from perfectcv_traffic.store import database

    log.touch()
    ingest([log], db)
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.01)
    monkeypatch.setattr("perfectcv_traffic.store.follow.FIRST_RETRY", 0.01)
    log.write_bytes(foreign_line(1))
    notices: list[str] = []
    with closing(sqlite3.connect(db, isolation_level=None)) as other:

        def block() -> None:
            other.execute("BEGIN IMMEDIATE")
            with log.open("ab") as file:
                file.write(foreign_line(2))

        def go_on_once_it_was_told() -> None:
            if any("is locked" in notice for notice in notices) and log.exists():
                log.unlink()
                other.execute("ROLLBACK")

        waited = iter([block])

        def wait(_seconds: float) -> bool:
            next(waited, go_on_once_it_was_told)()
            return query("SELECT count(*) FROM api_requests") != [(2,)]

        follow([log], db, wait, options=Options(notice=notices.append))
    assert query("SELECT path FROM api_requests") == [("/items/1",), ("/items/2",)]


@pytest.mark.parametrize("is_replaced", [False, True])
def test_database_that_is_deleted_or_replaced_is_noticed(
    log: Path, db: Path, line: Line, is_replaced: bool
) -> None:
    def lose() -> None:
        db.rename(db.with_name("elsewhere.db"))
        if is_replaced:
            db.write_bytes(db.with_name("elsewhere.db").read_bytes())

    log.write_bytes(line(1))
    with pytest.raises(StorageError, match="was deleted or replaced"):
        follow([log], db, Steps(lose, lambda: None).wait, options=Options())


def test_first_line_alone_does_not_decide_on_the_format(log: Path, db: Path, query: Query) -> None:
    """The log of an application that says something itself before uvicorn does."""
    said = b'{"timestamp":"2026-11-21T10:00:00Z","event":"read","path":"/etc/app.toml"}\n'
    asked = b'INFO:     10.0.0.1:5 - "GET /items/%d HTTP/1.1" 200 OK\n'
    log.write_bytes(said)

    def append(number: int) -> Callable[[], object]:
        def act() -> None:
            with log.open("ab") as file:
                file.write(asked % number)

        return act

    steps = Steps(*map(append, range(5)), lambda: None)
    follow([log], db, steps.wait, options=Options())
    paths = [path for (path,) in query("SELECT path FROM api_requests ORDER BY id")]
    assert paths[-3:] == ["/items/2", "/items/3", "/items/4"]
    assert query("SELECT format FROM log_files") == [("uvicorn",)]
