"""Whether a database is whole, and what can be made whole again."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.store import counted, private, schema, stored, upserts
from perfectcv_traffic.store.database import naming, reading, unsaid, writing
from perfectcv_traffic.store.ingest import UPKEEP, only_ingester
from perfectcv_traffic.store.transactions import transaction
from perfectcv_traffic.summary import hourly, overview
from perfectcv_traffic.summary.overview import ROLLUPS
from perfectcv_traffic.summary.summary import Summary
from perfectcv_traffic.summary.tables import LARGEST_SUM, TABLES, Row, Table

SAFE_SQLITE = (3, 51, 3)
"""The first release without the WAL-reset bug: https://sqlite.org/wal.html#walresetbug"""

BACKUP_PAGES = 4096
"""Copied at once."""


class Check(NamedTuple):
    """One thing that was looked at."""

    name: str
    is_ok: bool
    detail: str


def examine(db: Path, *, deep: bool = False) -> list[Check]:
    """Look a database over; `deep` reads every page and compares the summary with the rows."""
    with reading(db) as connection, naming(db):
        connection.execute("BEGIN")  # one state of it, though somebody may be writing
        checks = [_sqlite(), _pages(connection, deep=deep), _schema(connection)]
        checks += [*_accounts(connection), _sums(connection)]
        if deep:
            checks.append(_summary(connection))
        return checks


def _sqlite() -> Check:
    # One writer that also checkpoints, and readers that only read, do not meet the bug.
    known = "" if sqlite3.sqlite_version_info >= SAFE_SQLITE else ", one writer at a time only"
    return Check("SQLite", True, f"{sqlite3.sqlite_version}{known}")  # noqa: FBT003


def _pages(connection: sqlite3.Connection, *, deep: bool) -> Check:
    pragma = "integrity_check" if deep else "quick_check"
    found = [row[0] for row in connection.execute(f"PRAGMA {pragma}(10)")]
    return Check(pragma, found == ["ok"], "; ".join(found))


def _schema(connection: sqlite3.Connection) -> Check:
    """Whether everything is there that a new database has: without an index, queries get slow."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        upserts.prepare(fresh)
        schema.prepare(fresh)
        missing = sorted(_parts(fresh) - _parts(connection))
    return Check("tables and indexes", not missing, ", ".join(missing) or "as in a new database")


def _parts(connection: sqlite3.Connection) -> set[str]:
    """Names of all columns, indexes and views."""
    import sqlite_utils  # loads pandas where it is installed

    db = sqlite_utils.Database(connection)
    found = {f"view {name}" for name in db.view_names()}
    for table in map(db.table, db.table_names()):
        found |= {f"column {table.name}.{column}" for column in table.columns_dict}
        found |= {f"index {index.name}" for index in table.indexes}
    return found


def _accounts(connection: sqlite3.Connection) -> Iterator[Check]:
    wrong = connection.execute(
        "SELECT path FROM log_files WHERE lines <> stored + duplicate + rejected + blank - salvaged"
    ).fetchall()
    yield Check("lines of each log", not wrong, ", ".join(row[0] for row in wrong) or "add up")
    promised = connection.execute("SELECT coalesce(sum(stored), 0) FROM log_files").fetchone()[0]
    rows = connection.execute("SELECT count(*) FROM api_requests").fetchone()[0]
    pruned = pruned_rows(connection)
    alone = counted.summarised(connection)
    more = f" + {alone} in the summary alone" if alone else ""
    detail = f"{rows} stored + {pruned} pruned{more} = {promised}"
    yield Check("rows", rows + pruned + alone == promised, detail)


def _sums(connection: sqlite3.Connection) -> Check:
    """Whether every sum is a whole number within its limit: SQL makes a larger one a REAL."""
    wrong = [
        f"{table.name}.{name}"
        for table in (*TABLES, *(rollup.table for rollup in ROLLUPS))
        for name in (one.name for one in table.measures if one.merge == "sum")
        if connection.execute(
            f"SELECT 1 FROM {table.name} WHERE typeof({name}) <> 'integer'"
            f" OR {name} NOT BETWEEN 0 AND {LARGEST_SUM} LIMIT 1"
        ).fetchone()
    ]
    return Check("sums", not wrong, ", ".join(wrong) or "within their limit")


def pruned_rows(connection: sqlite3.Connection) -> int:
    """Rows that `prune` took away; the summary still has them."""
    row = connection.execute("SELECT value FROM store_meta WHERE name = 'pruned'").fetchone()
    return int(row[0]) if row else 0


def _summary(connection: sqlite3.Connection) -> Check:
    name = "summary"
    if pruned_rows(connection):
        return Check(name, True, "not compared: rows were pruned")  # noqa: FBT003
    if counted.summarised(connection):
        return _totals(connection)
    rebuilt = Summary()
    for records in stored.batches(connection):
        rebuilt.add_all(records)
    different = [
        table.name for table, rows in _expected(rebuilt) if _stored_rows(connection, table) != rows
    ]
    return Check(name, not different, ", ".join(different) or "equals the rows")


def _totals(connection: sqlite3.Connection) -> Check:
    """Whether the summary counts as many requests as the logs, where no rows tell more."""
    summed = connection.execute("SELECT coalesce(sum(requests), 0) FROM summary_requests")
    stored_lines = connection.execute("SELECT coalesce(sum(stored), 0) FROM log_files")
    found, promised = summed.fetchone()[0], stored_lines.fetchone()[0]
    return Check("summary", found == promised, f"counts {found} of {promised} requests")


def _expected(summary: Summary) -> Iterator[tuple[Table, list[Row]]]:
    for table in TABLES:
        yield table, list(hourly.rows(table, summary))
    for rollup in ROLLUPS:
        yield rollup.table, list(overview.rows(rollup, summary))


def _stored_rows(connection: sqlite3.Connection, table: Table) -> list[Row]:
    keys = ", ".join(key.name for key in table.keys)
    query = f"SELECT {', '.join(table.columns)} FROM {table.name} ORDER BY {keys}"
    return connection.execute(query).fetchall()


def rebuild_summary(db: Path, *, notice: Callable[[str], None] = unsaid) -> None:
    """Make all summary tables anew from the rows, in one transaction.

    `notice` is told who is waited for.
    """
    with only_ingester(db, advice=UPKEEP), writing(db, notice=notice) as connection, naming(db):
        if pruned_rows(connection):
            raise StorageError(
                f"database {db} had rows pruned: their summary can only be kept, not rebuilt"
            )
        counted.require_rows(connection, "the summary")
        with transaction(connection):
            for table in (*TABLES, *(rollup.table for rollup in ROLLUPS)):
                connection.execute(f"DELETE FROM {table.name}")
            for records in stored.batches(connection):
                part = Summary()
                part.add_all(records)
                upserts.merge(connection, part)


def back_up(db: Path, copy: Path) -> None:
    """Copy a database, also while it is written, and check the copy before it gets its name."""
    if copy.exists():
        raise StorageError(f"backup {copy} exists already: name another file")
    draft = copy.with_name(f"{copy.name}.unfinished")
    draft.unlink(missing_ok=True)
    private.claim(draft)
    try:
        with reading(db) as source, naming(copy):
            if (found := _copied(source, draft)) != "ok":
                raise StorageError(f"database {db} gave a damaged copy: {found}; see doctor --deep")
            draft.replace(copy)
    finally:
        draft.unlink(missing_ok=True)  # it may be what has filled the disk


def _copied(source: sqlite3.Connection, draft: Path) -> str:
    """What is wrong with the copy, or "ok"; in steps, between which Ctrl-C is heard."""
    source.execute("BEGIN")  # one state of it: else each commit of others begins the copy anew
    source.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    with closing(sqlite3.connect(draft.absolute())) as target:
        source.backup(target, pages=BACKUP_PAGES, progress=lambda *_: None)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
        return str(target.execute("PRAGMA integrity_check(1)").fetchone()[0])
