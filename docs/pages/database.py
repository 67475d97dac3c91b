"""The page of the database."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing

from pages.markdown import page, table

from perfectcv_traffic.store import schema
from perfectcv_traffic.summary import tables

INTRODUCTION = """\
`traffic_monitor.db` is plain SQLite: read it with any program, also while it is written. The
`summary_*` tables add up what is in the rows ([their columns](summary.md)) and stay as they are
when `prune` deletes rows. Times are UTC, sizes bytes; the unit of a duration is in its name.
`merged_NAME` is what each other database had in its table NAME when it was merged."""

TABLES = {
    "api_requests": "a row for each recorded request: its place in a log, then the record",
    "null_value_logs": "a row for each null of a request or answer",
    "uuid_logins": "a row for each login by UUID",
    "generated_requests": "what `generate` and `run` sent",
    "findings": "what `generate` found",
    "url_access_counts": "how often each path was requested",
    "rate_limit_tracking": "requests of a client at an endpoint within a window",
    "log_files": "each generation of a log: how far it is read, what became of its lines",
    "log_streams": "each log that was ever read",
    "log_files_done": "rotated files that are read to their end",
    "rejected_lines": "lines that are no record, with the reason",
    "store_meta": "facts of the database itself",
    "summary_endpoints": "requests by endpoint, whatever the hour",
    "summary_hours": "requests by hour, whatever the endpoint",
    "summary_clients": "requests by client",
    "summary_null_fields": "requests with a null by endpoint and field",
    **{one.name: one.meaning for one in tables.TABLES},
    "counted_ids": "ids of requests that have no row, as spans: what `--summary-only` counted",
    "counted_lines": "digests of such lines that have no id",
}
"""What is in each table, in the order of the page; a new table must be told of here."""

OF_ANOTHER = "merged_"
"""Begins the name of a table with what another database had in it when it was merged."""
MANY = 40


def database() -> str:
    """Tables and views of a new database, as it is made."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        schema.prepare(connection)
        made = connection.execute("SELECT name, type FROM sqlite_master").fetchall()
        columns = {name: _columns(connection, name) for name, kind in made if kind != "index"}
    views = [name for name, kind in made if kind == "view"]
    own = {name for name in columns if name not in views and not name.startswith(OF_ANOTHER)}
    if untold := own - TABLES.keys():
        sys.exit(f"docs/pages/database.py: say in TABLES what is in {', '.join(sorted(untold))}")
    tables = sorted(own, key=list(TABLES).index)
    rows = ((f"`{name}`", TABLES[name], columns[name]) for name in tables)
    return page(
        "# The database",
        INTRODUCTION,
        "## Tables",
        table(("table", "what it has", "columns"), rows),
        "## Views",
        table(("view", "columns"), ((f"`{name}`", columns[name]) for name in views)),
    )


def _columns(connection: sqlite3.Connection, name: str) -> str:
    found = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
    names = ", ".join(f"`{one}`" for one in found if one != "id")
    return names if len(found) < MANY else "`log_file_id`, `log_offset`, and [those](record.md)"
