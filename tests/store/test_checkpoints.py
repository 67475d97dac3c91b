"""What was committed gets into the database file while something else is written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from perfectcv_traffic.store.checkpoints import in_background
from perfectcv_traffic.store.database import BULK_PAGE_SIZE, PAGE_SIZE, writing

INSERT = "INSERT INTO rejected_lines (reason) VALUES ('json')"


def rows_without_log(db: Path, copy: Path) -> int:
    """Rows in the database file alone."""
    copy.write_bytes(db.read_bytes())
    with closing(sqlite3.connect(copy)) as connection:
        found: int = connection.execute("SELECT count(*) FROM rejected_lines").fetchone()[0]
    return found


def test_what_was_committed_is_copied_during_the_next_transaction(tmp_path: Path) -> None:
    db = tmp_path / "traffic.db"
    with writing(db, in_bulk=True) as connection, in_background(db) as checkpoints:
        connection.execute(INSERT)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(INSERT)
        checkpoints.begin()
        checkpoints.wait()
        assert rows_without_log(db, tmp_path / "copy.db") == 1
        connection.execute("COMMIT")
    assert rows_without_log(db, tmp_path / "copy.db") == 2
    assert not db.with_name("traffic.db-wal").exists()


def test_a_checkpoint_that_fails_stops_nobody(tmp_path: Path) -> None:
    with in_background(tmp_path / "missing" / "traffic.db") as checkpoints:
        checkpoints.begin()


def test_pages_are_larger_in_a_database_made_for_much(tmp_path: Path) -> None:
    for in_bulk, size in ((False, PAGE_SIZE), (True, BULK_PAGE_SIZE)):
        with writing(tmp_path / f"{size}.db", in_bulk=in_bulk) as connection:
            assert connection.execute("PRAGMA page_size").fetchone() == (size,)
