"""Summaries folded into the summary tables, by the merge rule of every measure."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from perfectcv_traffic import overview, sketch
from perfectcv_traffic.overview import ROLLUPS, Rollup
from perfectcv_traffic.summary import TABLES, Key, Row, Summary, Table, add, load, packed

_MERGES = {
    "sum": "{0} = {0} + excluded.{0}",
    "min": "{0} = min({0}, excluded.{0})",
    "max": "{0} = max({0}, excluded.{0})",
    "sketch": "{0} = merge_sketch({0}, excluded.{0})",
}


def prepare(connection: sqlite3.Connection) -> None:
    """Teach a connection to merge sketches."""
    connection.create_function("merge_sketch", 2, sketch.merge, deterministic=True)


def merge(connection: sqlite3.Connection, summary: Summary) -> None:
    """Merge a summary into the tables, within the caller's transaction."""
    for table in TABLES:
        _merge_rows(connection, table, summary.rows(table))
    for rollup in ROLLUPS:
        roll_up(connection, rollup, overview.cells(rollup, summary.cells(rollup.source)))


def roll_up(connection: sqlite3.Connection, rollup: Rollup, found: dict[Key, list[Any]]) -> None:
    """Merge cells into a roll-up and give up the groups that are too many."""
    table = rollup.table
    _merge_rows(connection, table, packed(found))
    if all(key[-1] == overview.NO_RANK for key in found):
        return
    for tier in range(overview.TIERS):
        lowest, highest = overview.ranks_of(tier)
        ranks = connection.execute(
            f"SELECT DISTINCT rank FROM {table.name} WHERE rank >= 0 AND rank BETWEEN ? AND ?"
            " ORDER BY rank LIMIT 2 OFFSET ?",
            (lowest, highest, overview.MAX_GROUPS - 1),
        ).fetchall()
        if len(ranks) > 1:
            _give_up(connection, rollup, first=ranks[1][0], last=highest)


def _give_up(connection: sqlite3.Connection, rollup: Rollup, *, first: int, last: int) -> None:
    table = rollup.table
    columns = ", ".join(table.columns)
    surplus = f"FROM {table.name} WHERE rank >= 0 AND rank BETWEEN ? AND ?"
    found: dict[Key, list[Any]] = {}
    load(table, found, connection.execute(f"SELECT {columns} {surplus}", (first, last)))
    connection.execute(f"DELETE {surplus}", (first, last))
    total: dict[Key, list[Any]] = {}
    for key, measures in found.items():
        add(table, total, overview.other(rollup, key), measures)
    _merge_rows(connection, table, packed(total))


def _merge_rows(connection: sqlite3.Connection, table: Table, rows: Iterable[Row]) -> None:
    connection.executemany(_UPSERTS[table.name], rows)


def _upsert(table: Table) -> str:
    keys = ", ".join(column.name for column in table.keys)
    merged = ", ".join(_MERGES[m.merge].format(m.name) for m in table.measures if m.merge)
    names = ", ".join(table.columns)
    marks = ", ".join("?" * len(table.columns))
    return (
        f"INSERT INTO {table.name} ({names}) VALUES ({marks})"
        f" ON CONFLICT ({keys}) DO UPDATE SET {merged}"
    )


_UPSERTS = {
    table.name: _upsert(table) for table in (*TABLES, *(rollup.table for rollup in ROLLUPS))
}
