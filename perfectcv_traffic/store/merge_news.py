"""What a table of a source has more than when it was merged last, and what is remembered for that.

A source gives up groups as it grows: what they had is part of its `(other)` from then on. Before
anything is subtracted, the same is done with what is remembered. A group once given up never comes
back, so `(other)` of the source then has all that it has in what is remembered, and no difference
is negative. What is added to `(other)` here need not be taken from the group: a source gives a
group up because so many others rank before it, all of which are merged too; ranks are the same
everywhere, so the group has been given up here as well when all differences are in.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial

from perfectcv_traffic.store import upserts
from perfectcv_traffic.summary import hourly, overview
from perfectcv_traffic.summary.overview import ROLLUPS
from perfectcv_traffic.summary.tables import Column, Key, Row, Table

CHUNK = 10_000
"""Cells that are held at once."""

_DATABASE = Column("database", "TEXT", "id of the database that was merged")


class News:
    """A table of the database attached as `source`, and what is remembered of it."""

    def __init__(self, connection: sqlite3.Connection, source_id: str, table: Table) -> None:
        self._connection = connection
        self._source_id = source_id
        self._table = table
        self._merged = table._replace(name=f"merged_{table.name}", keys=(_DATABASE, *table.keys))

    def taken(self) -> Iterator[list[Row]]:
        """What is new, some cells at a time; after the last, all is remembered as merged."""
        self._give_up()
        yield from self._differences()
        self._remember()

    def _give_up(self) -> None:
        """Remember no group that the source does not have any more, or a client it has forgotten.

        What a group had is remembered as `(other)`.
        """
        columns = ", ".join(self._table.columns)
        missing = self._connection.execute(
            f"DELETE FROM main.{self._merged.name} AS p WHERE p.database = ? AND NOT EXISTS"
            f" (SELECT 1 FROM source.{self._table.name} s WHERE {_same_cell(self._table)})"
            f" RETURNING {columns}",
            (self._source_id,),
        ).fetchall()
        if missing and (other := _other(self._table)):
            rows = upserts.added_up(self._table, missing, other)
            upserts.upsert(self._merged).run(
                self._connection, [(self._source_id, *row) for row in rows]
            )

    def _differences(self) -> Iterator[list[Row]]:
        """Cells of the source that have changed, less what is remembered of them."""
        table = self._table
        keys = [f"s.{key.name}" for key in table.keys]
        columns = ", ".join([*keys, *map(_difference, table.measures)])
        cursor = self._connection.execute(
            f"SELECT {columns} FROM source.{table.name} s LEFT JOIN main.{self._merged.name} p"
            f" ON p.database = ? AND {_same_cell(table)} WHERE {_differ(table, 's', 'p')}",
            (self._source_id,),
        )
        while rows := cursor.fetchmany(CHUNK):
            yield rows

    def _remember(self) -> None:
        """Remember the table as it is in the source."""
        table, name = self._table, self._merged.name
        columns = ", ".join(table.columns)
        keys = ", ".join(key.name for key in self._merged.keys)
        measures = ", ".join(f"{one.name} = excluded.{one.name}" for one in table.measures)
        self._connection.execute(
            f"INSERT INTO main.{name} (database, {columns})"
            f" SELECT ?, {columns} FROM source.{table.name} WHERE true"
            f" ON CONFLICT ({keys}) DO UPDATE SET {measures}"
            f" WHERE {_differ(table, name, 'excluded')}",
            (self._source_id,),
        )


def _other(table: Table) -> Callable[[Key], Key] | None:
    """What a given-up cell is added up as; None where nothing is given up."""
    if table.name in hourly.LIMITS:
        return hourly.LIMITS[table.name].other
    for rollup in ROLLUPS:
        if rollup.table is table and rollup.is_limited:
            return partial(overview.other, rollup)
    return None


def _same_cell(table: Table) -> str:
    return " AND ".join(f"p.{key.name} = s.{key.name}" for key in table.keys)


def _differ(table: Table, left: str, right: str) -> str:
    names = [measure.name for measure in table.measures]
    one, other = (", ".join(f"{side}.{name}" for name in names) for side in (left, right))
    return f"({one}) IS NOT ({other})"


def _difference(measure: Column) -> str:
    """What a measure has more than it had; a client that was forgotten counts from nothing."""
    name = measure.name
    if measure.merge == "sum":
        is_new = f"p.{name} IS NULL OR s.{name} < p.{name}"
        return f"CASE WHEN {is_new} THEN s.{name} ELSE s.{name} - p.{name} END"
    if measure.merge == "sketch":
        return f"subtract_sketch(s.{name}, p.{name})"
    return f"s.{name}"
