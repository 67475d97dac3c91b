"""A database that keeps its summary alone, brought into another.

A summary cannot be taken apart, so a copy of what was merged last is kept for each source, and what
has come since is added. A source that has not grown since, or an older state of it, changes
nothing; one that shares requests with anything else that was merged is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from perfectcv_traffic import hourly, overview
from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.overview import HOURS, ROLLUPS
from perfectcv_traffic.store import counted, upserts
from perfectcv_traffic.store.counted import KnownIdError, Span
from perfectcv_traffic.store.merge_base import Merged, Taking
from perfectcv_traffic.store.segments import STRONG_HEAD
from perfectcv_traffic.store.transactions import transaction
from perfectcv_traffic.summary import TABLES, Column, Key, Row, Table, add, load, packed

CHUNK = 10_000
"""Cells that are held at once."""

_ALL = (*TABLES, *(rollup.table for rollup in ROLLUPS))
_ROLLUPS = {rollup.table.name: rollup for rollup in ROLLUPS}
_COMPARED = HOURS.table
"""Small, and never are two of its cells added up as one: every request stays where it is."""


class Summaries(Taking):
    """A source without rows: what its summary has more than when it was merged last is taken."""

    def run(self) -> Merged:
        """Take it, in one transaction; raises `StorageError` if something would count twice."""
        total = counted.summarised(self.connection, "source")
        with transaction(self.connection):
            has_more, has_less = self._compare()
            if has_less and has_more:
                raise StorageError(
                    "does not continue what was merged of it: it was copied to another host, or"
                    " made anew; merge all databases into a new one"
                )
            if has_less:  # an older state
                return Merged(0, total)
            before = self.get("requests")
            if has_more:
                self._require_new_logs()
                self._take_ids()
                self._take_tables()
                counted.add(
                    self.connection, total - before, counted.times(self.connection, "source")
                )
                self.set("requests", total)
            self._count_lines()
            self.finish()
        return Merged(total - before, before)

    def _compare(self) -> tuple[bool, bool]:
        """Whether the source has requests that were not merged, and whether it lacks some."""
        execute = self.connection.execute
        more = execute(
            f"SELECT 1 FROM source.{_COMPARED.name} s LEFT JOIN main.merged_{_COMPARED.name} p"
            f" ON {_same_cell(_COMPARED)} WHERE s.requests > coalesce(p.requests, 0) LIMIT 1",
            (self.source_id,),
        ).fetchone()
        less = execute(
            f"SELECT 1 FROM main.merged_{_COMPARED.name} p LEFT JOIN source.{_COMPARED.name} s"
            f" ON {_same_cell(_COMPARED)} WHERE p.database = ?"
            " AND coalesce(s.requests, 0) < p.requests LIMIT 1",
            (self.source_id, self.source_id),
        ).fetchone()
        return more is not None, less is not None

    def _require_new_logs(self) -> None:
        """No log that goes on may be one that was read for another database too."""
        known = self.connection.execute(
            "SELECT s.path, m.path FROM source.log_files s JOIN main.log_files m"
            " ON m.head = s.head AND m.head_length >= :strong AND s.head_length >= :strong"
            " AND m.path NOT LIKE :id || ':%' LEFT JOIN main.log_files own"
            " ON own.path = :id || ':' || s.path AND own.generation = s.generation"
            " WHERE s.lines > coalesce(own.lines, 0) LIMIT 1",
            {"strong": STRONG_HEAD, "id": self.source_id},
        ).fetchone()
        if known:
            raise StorageError(
                f"counts the log {known[0]}, which is counted already as {known[1]}: {_ADVICE}"
            )

    def _take_ids(self) -> None:
        execute = self.connection.execute
        execute("DELETE FROM main.counted_ids WHERE source = ?", (self.source_id,))
        for first, last in execute("SELECT first, last FROM source.counted_ids ORDER BY first"):
            try:
                counted.count_span(self.connection, Span(first, last), self.source_id)
            except KnownIdError as error:
                raise StorageError(
                    f"has requests that are counted already, {error} is one: {_ADVICE}"
                ) from error

    def _take_tables(self) -> None:
        for table in _ALL:
            self._give_up(table)
            for rows in self._news(table):
                upserts.merge_rows(self.connection, [rows if one is table else [] for one in _ALL])
            self._keep(table)

    def _give_up(self, table: Table) -> None:
        """Add up in the copy what the source has since added up as others."""
        keys = " AND ".join(f"{key.name} = ?" for key in table.keys)
        copy, width = f"main.merged_{table.name}", len(table.keys)
        lost = self.connection.execute(
            f"SELECT {', '.join(f'p.{name}' for name in table.columns)} FROM {copy} p LEFT JOIN"
            f" source.{table.name} s ON {_same_cell(table)}"
            " WHERE p.database = ? AND s.id IS NULL",
            (self.source_id, self.source_id),
        ).fetchall()
        sums: dict[Key, list[Any]] = {}
        for row in lost:
            key = row[:width]
            if (other := _other(table, key)) is None:
                continue
            found: dict[Key, list[Any]] = {}
            load(table, found, [row])
            add(table, sums, other, found[key])
            self.connection.execute(
                f"DELETE FROM {copy} WHERE database = ? AND {keys}", (self.source_id, *key)
            )
        if sums:
            self._add_to_copy(table, list(packed(table, sums)))

    def _add_to_copy(self, table: Table, rows: list[Row]) -> None:
        names = ", ".join(table.columns)
        marks = ", ".join("?" * (1 + len(table.columns)))
        keys = ", ".join(key.name for key in table.keys)
        self.connection.executemany(
            f"INSERT INTO main.merged_{table.name} (database, {names}) VALUES ({marks})"
            f" ON CONFLICT (database, {keys}) DO UPDATE SET {upserts.merging(table)}",
            [(self.source_id, *row) for row in rows],
        )

    def _news(self, table: Table) -> Iterator[list[Row]]:
        """Cells of the source that have changed, less what was merged of them."""
        keys = [f"s.{key.name}" for key in table.keys]
        columns = ", ".join([*keys, *map(_news, table.measures)])
        cursor = self.connection.execute(
            f"SELECT {columns} FROM source.{table.name} s LEFT JOIN main.merged_{table.name} p"
            f" ON {_same_cell(table)} WHERE {_differ(table, 's', 'p')}",
            (self.source_id,),
        )
        while rows := cursor.fetchmany(CHUNK):
            yield rows

    def _keep(self, table: Table) -> None:
        """Remember the table as it was merged."""
        columns = ", ".join(table.columns)
        keys = ", ".join(key.name for key in table.keys)
        measures = ", ".join(f"{one.name} = excluded.{one.name}" for one in table.measures)
        name = f"merged_{table.name}"
        self.connection.execute(
            f"INSERT INTO main.{name} (database, {columns})"
            f" SELECT ?, {columns} FROM source.{table.name} WHERE true"
            f" ON CONFLICT (database, {keys}) DO UPDATE SET {measures}"
            f" WHERE {_differ(table, name, 'excluded')}",
            (self.source_id,),
        )

    def _count_lines(self) -> None:
        self.logs()
        self.connection.execute(
            "UPDATE main.log_files SET stored = (SELECT s.stored FROM temp.merged_logs l"
            " JOIN source.log_files s ON s.id = l.source WHERE l.own = log_files.id)"
            " WHERE id IN (SELECT own FROM temp.merged_logs)"
        )


_ADVICE = (
    "a summary cannot be taken apart, so merge only one of the two; if one was made anew from the"
    " same logs, merge all databases into a new one"
)


def _other(table: Table, key: Key) -> Key | None:
    """The key under which a cell is added up when there are too many; None if it always stays."""
    if table.name in hourly.LIMITS:
        limit = hourly.LIMITS[table.name]
        return None if limit.group(key) is None else limit.other(key)
    rollup = _ROLLUPS.get(table.name)
    if rollup is None or not rollup.is_limited or key[-1] == overview.NO_RANK:
        return None
    return overview.other(rollup, key)


def _same_cell(table: Table) -> str:
    return " AND ".join(["p.database = ?", *(f"p.{key.name} = s.{key.name}" for key in table.keys)])


def _differ(table: Table, left: str, right: str) -> str:
    names = [measure.name for measure in table.measures]
    one, other = (", ".join(f"{side}.{name}" for name in names) for side in (left, right))
    return f"({one}) IS NOT ({other})"


def _news(measure: Column) -> str:
    """What a measure has more than it had; a client that was forgotten counts from nothing."""
    name = measure.name
    if measure.merge == "sum":
        is_new = f"p.{name} IS NULL OR s.{name} < p.{name}"
        return f"CASE WHEN {is_new} THEN s.{name} ELSE s.{name} - p.{name} END"
    if measure.merge == "sketch":
        return f"subtract_sketch(s.{name}, p.{name})"
    return f"s.{name}"
