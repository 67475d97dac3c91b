"""Summaries folded into the summary tables, by the merge rule of every measure."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.store.inserts import Insert
from perfectcv_traffic.summary import hourly, overview, sketch
from perfectcv_traffic.summary.overview import ROLLUPS, Rollup
from perfectcv_traffic.summary.summary import Summary, packed, total
from perfectcv_traffic.summary.tables import LARGEST_SUM, TABLES, Key, Row, Table

_MERGES = {
    "sum": f"{{0}} = min({{0}} + excluded.{{0}}, {LARGEST_SUM})",
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
    merge_rows(connection, overview.every_part(summary))


def merge_rows(connection: sqlite3.Connection, rows: Sequence[Sequence[Row]]) -> None:
    """Merge rows of each summary table, then of each roll-up."""
    for table, own in zip(TABLES, rows, strict=False):
        merge_table(connection, table, own)
    for rollup, own in zip(ROLLUPS, rows[len(TABLES) :], strict=True):
        roll_up(connection, rollup, own)


def merge_table(connection: sqlite3.Connection, table: Table, rows: Sequence[Row]) -> None:
    """Merge rows into a summary table and give up the groups of their hours that are too many."""
    limited = limit_hours(connection, table, rows) if table.name in hourly.LIMITS else rows
    _merge_rows(connection, table, limited)


def limit_hours(connection: sqlite3.Connection, table: Table, rows: Sequence[Row]) -> Sequence[Row]:
    """Rows to merge into a table by the hour for these ones, so that no hour has too many groups.

    Groups that are stored and given up for new ones are taken out; they are among the rows then.
    """
    limit, width = hourly.LIMITS[table.name], len(table.keys)
    rows = list(map(tuple, rows))  # another process gives lists, which are no keys
    keys: list[Key] = [row[:width] for row in rows]  # type: ignore[misc]
    new = {key for key in keys if limit.group(key) is not None}
    stored = _grouped_keys(connection, table, {key[0] for key in new})
    surplus = limit.surplus(stored | new)
    if not surplus:
        return rows
    pairs = list(zip(keys, rows, strict=True))
    given_up = [row for key, row in pairs if key in surplus]
    given_up += _taken_out(connection, table, stored & surplus)
    return [row for key, row in pairs if key not in surplus] + added_up(
        table, given_up, limit.other
    )


def limit_hour(connection: sqlite3.Connection, table: Table, hour: int | str) -> None:
    """Give up the groups of an hour that are too many."""
    limit = hourly.LIMITS[table.name]
    surplus = limit.surplus(_grouped_keys(connection, table, [hour]))
    given_up = _taken_out(connection, table, surplus)
    _merge_rows(connection, table, added_up(table, given_up, limit.other))


def added_up(table: Table, given_up: Iterable[Row], other: Callable[[Key], Key]) -> list[Row]:
    """One row for all that are called the same from now on: each costs a merge in the store."""
    width = len(table.keys)
    parts: dict[Key, list[list[Any]]] = {}
    for row in given_up:
        measures = [sketch.unpack(m) if isinstance(m, bytes) else m for m in row[width:]]
        key: Key = row[:width]  # type: ignore[assignment]
        parts.setdefault(other(key), []).append(measures)
    return list(packed(table, {key: total(table, found) for key, found in parts.items()}))


def _grouped_keys(
    connection: sqlite3.Connection, table: Table, hours: Iterable[int | str]
) -> set[Key]:
    """Stored keys of some hours, those left out that are always kept."""
    keys, kept = ", ".join(column.name for column in table.keys), hourly.LIMITS[table.name].kept
    query = f"SELECT {keys} FROM {table.name} WHERE hour = ? AND NOT ({kept})"
    return {key for hour in hours for key in connection.execute(query, (hour,))}


def _taken_out(connection: sqlite3.Connection, table: Table, keys: Iterable[Key]) -> list[Row]:
    """Rows read and deleted."""
    names = ", ".join(table.columns)
    same = " AND ".join(f"{column.name} = ?" for column in table.keys)
    found = []
    for key in keys:
        row = connection.execute(f"SELECT {names} FROM {table.name} WHERE {same}", key).fetchone()
        connection.execute(f"DELETE FROM {table.name} WHERE {same}", key)
        found.append(row)
    return found


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
    given_up = connection.execute(f"SELECT {columns} {surplus}", (first, last)).fetchall()
    connection.execute(f"DELETE {surplus}", (first, last))
    other = partial(overview.other, rollup)
    _merge_rows(connection, table, added_up(table, given_up, other))


def _merge_rows(connection: sqlite3.Connection, table: Table, rows: Iterable[Row]) -> None:
    try:
        _UPSERTS[table.name].run(connection, rows)
    except OverflowError as error:
        raise StorageError(
            f"cannot hold what is to be added to {table.name} ({error}): nothing of it was stored"
        ) from error


def upsert(table: Table) -> Insert:
    """The statement that merges rows into a table of these keys and measures."""
    keys = ", ".join(column.name for column in table.keys)
    merged = ", ".join(_MERGES[m.merge].format(m.name) for m in table.measures if m.merge)
    conflict = f"ON CONFLICT ({keys}) DO UPDATE SET {merged}"
    return Insert(table.name, table.columns, conflict=conflict)


_UPSERTS = {table.name: upsert(table) for table in (*TABLES, *(rollup.table for rollup in ROLLUPS))}
