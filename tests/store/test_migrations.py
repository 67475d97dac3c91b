from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.store.database import reading, writing
from perfectcv_traffic.store.doctor import examine
from perfectcv_traffic.store.schema import VERSION, backup_path

Query = Callable[..., list[tuple[Any, ...]]]

VERSION_1 = Path(__file__).with_name("version_1.sql")
"""Dumped from a database that the first version of the program made."""

OLD_TABLES = (
    "api_requests", "null_value_logs", "uuid_logins", "url_access_counts", "rate_limit_tracking",
    "summary_requests", "summary_nulls",
)  # fmt: skip

UPGRADE_AND_DIE = """
import os, signal, sys
from pathlib import Path
from perfectcv_traffic.store import database
left = int(sys.argv[2])
def count():
    global left
    left -= 1
    if left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return 0
configure = database._configure
def watched(connection, **how):
    configure(connection, **how)
    connection.set_progress_handler(count, 20)
database._configure = watched
with database.writing(Path(sys.argv[1])):
    pass
"""


@pytest.fixture
def old(db: Path) -> Path:
    with closing(sqlite3.connect(db)) as connection:
        connection.executescript(VERSION_1.read_text("utf-8"))
    return db


def contents(db: Path) -> dict[str, list[Any]]:
    """Rows of every table of the first version, as far as it had columns."""
    with closing(sqlite3.connect(":memory:")) as first:
        first.executescript(VERSION_1.read_text("utf-8"))
        columns = {
            table: ", ".join(row[1] for row in first.execute(f"PRAGMA table_info({table})"))
            for table in OLD_TABLES
        }
    with closing(sqlite3.connect(db)) as connection:
        return {
            table: connection.execute(f"SELECT {names} FROM {table} ORDER BY id").fetchall()
            for table, names in columns.items()
        }


def version(db: Path) -> int:
    with closing(sqlite3.connect(db)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_old_database_keeps_every_row(old: Path) -> None:
    before = contents(old)
    with writing(old):
        pass
    assert version(old) == VERSION
    assert contents(old) == before
    assert [check for check in examine(old, deep=True) if not check.is_ok] == []


def test_old_database_is_copied_first(old: Path) -> None:
    before = contents(old)
    with reading(old):
        pass
    assert contents(backup_path(old, 1)) == before
    assert version(backup_path(old, 1)) == 1
    if os.name == "posix":  # it holds what the database holds
        assert stat.S_IMODE(backup_path(old, 1).stat().st_mode) == 0o600


def test_old_database_gets_rollups_that_equal_its_summary(old: Path, query: Query) -> None:
    with writing(old):
        pass
    assert query("SELECT sum(requests), sum(duration_us_sum) FROM summary_endpoints") == query(
        "SELECT sum(requests), sum(duration_us_sum) FROM summary_requests"
    )
    assert query("SELECT client_identifier, request_count FROM summary_clients") == [
        ("10.0.0.1", 12)
    ]


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_upgrade_killed_anywhere_leaves_old_or_new(old: Path) -> None:
    before = contents(old)
    script = old.read_bytes()
    killed = 0
    for steps in (1, 5, 20, 60, 150, 300, 500, 1000, 2000):
        old.write_bytes(script)
        command = [sys.executable, "-c", UPGRADE_AND_DIE, str(old), str(steps)]
        ended = subprocess.run(command, check=False, timeout=60)
        killed += ended.returncode == -signal.SIGKILL
        assert 1 <= version(old) <= VERSION  # each version is a whole one
        assert contents(old) == before
        with writing(old):
            pass
        assert (version(old), contents(old)) == (VERSION, before)
        for path in old.parent.glob(f"{old.name}*"):
            path.unlink()
    assert killed >= 5


def test_record_field_of_a_project_becomes_a_column(db: Path, query: Query) -> None:
    class Wide(TrafficLog, kw_only=True):
        tenant: str | None = None

    with writing(db):
        pass
    with writing(db, Wide):
        pass
    assert query("SELECT tenant FROM api_requests") == []


@pytest.mark.parametrize(
    ("pragma", "message"),
    [("user_version = 99", "newer than this program"), ("application_id = 7", "another app")],
)
def test_database_that_is_not_ours_is_refused(old: Path, pragma: str, message: str) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute(f"PRAGMA {pragma}")
    with pytest.raises(StorageError, match=message), writing(old):
        pass


def test_upgrades_at_the_same_time_do_not_disturb_each_other(old: Path) -> None:
    before = contents(old)
    started = threading.Barrier(4)

    def upgrade(_: int) -> None:
        started.wait(60)
        with reading(old):
            pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upgrade, range(4)))
    assert (version(old), contents(old)) == (VERSION, before)
    assert contents(backup_path(old, 1)) == before
    assert not list(old.parent.glob("*.unfinished"))
