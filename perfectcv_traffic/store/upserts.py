"""Summaries folded into the summary tables, by the merge rule of every measure."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from perfectcv_traffic import overview, sketch
from perfectcv_traffic.overview import ROLLUPS, Rollup
from perfectcv_traffic.store.inserts import Insert
from perfectcv_traffic.summary import TABLES, Key, Row, Summary, Table, add, load, packed

_MERGES = {
    "sum": "{0} = {0} + excluded.{0}",
    "min": "{0} = min({0}, excluded.{0})",
    "max": "{0} = max({0}, excluded.{0})",
    "sketch": "{0} = merge_sketch({0}, excluded.{0})",
}


def prepare(connection: sqlite3.Connection) -> None:
    """Teach a connection to merge sketches, and to tell what has come to one."""
    connection.create_function("merge_sketch", 2, sketch.merge, deterministic=True)
    connection.create_function("subtract_sketch", 2, sketch.subtract, deterministic=True)


def merge(connection: sqlite3.Connection, summary: Summary) -> None:
    """Merge a summary into the tables, within the caller's transaction."""
    tables = [list(packed(table, summary.cells(table))) for table in TABLES]
    rollups = [list(overview.unlimited_rows(rollup, summary)) for rollup in ROLLUPS]
    merge_rows(connection, tables + rollups)


def merge_rows(connection: sqlite3.Connection, rows: Sequence[Sequence[Row]]) -> None:
    """Merge rows of each summary table, then of each roll-up."""
    for table, own in zip(TABLES, rows, strict=False):
        _merge_rows(connection, table, own)
    for rollup, own in zip(ROLLUPS, rows[len(TABLES) :], strict=True):
        roll_up(connection, rollup, own)


def roll_up(connection: sqlite3.Connection, rollup: Rollup, rows: Sequence[Row]) -> None:
    """Merge rows into a roll-up and give up the groups that are too many."""
    table = rollup.table
    _merge_rows(connection, table, rows)
    if not rollup.is_limited:
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
    _merge_rows(connection, table, packed(table, total))


def _merge_rows(connection: sqlite3.Connection, table: Table, rows: Iterable[Row]) -> None:
    _UPSERTS[table.name].run(connection, rows)


def _upsert(table: Table) -> Insert:
    keys = ", ".join(column.name for column in table.keys)
    merged = ", ".join(_MERGES[m.merge].format(m.name) for m in table.measures if m.merge)
    conflict = f"ON CONFLICT ({keys}) DO UPDATE SET {merged}"
    return Insert(table.name, table.columns, conflict=conflict)


_UPSERTS = {
    table.name: _upsert(table) for table in (*TABLES, *(rollup.table for rollup in ROLLUPS))
}
