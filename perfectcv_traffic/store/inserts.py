"""INSERT statements of many rows each.

A statement for each row would be begun and ended as often; one of very many rows does not stay in
the processor's cache.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

MOST_ROWS = 64
"""Of one statement: with 16 or 256 a row takes 5 % longer, with 4 of them 20 %."""
MOST_VARIABLES = 32_766
"""Of one statement: SQLite's own default limit since 3.32."""

_STEP = 4
"""Statements are made for 64, 16, 4 rows and one: few enough to be kept prepared."""


class Insert(NamedTuple):
    """Columns of a table that get values, and what happens on a conflict."""

    table: str
    columns: tuple[str, ...]
    shared: int = 0
    """So many of the first columns have one value for all rows of a statement."""
    conflict: str = ""
    flags: tuple[tuple[str, str], ...] = ()
    """Columns that say whether another one, of those above, is greater than zero."""

    def run(self, connection: sqlite3.Connection, rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows, with as few statements as that takes."""
        found = rows if isinstance(rows, list) else list(rows)
        for start, end in parts(len(found), len(self.columns)):
            values = list(chain.from_iterable(found[start:end]))
            connection.execute(statement(self, end - start), values)


def parts(count: int, width: int) -> Iterator[tuple[int, int]]:
    """Where the rows of each statement begin and end."""
    start, size = 0, MOST_ROWS
    while start < count:
        while size > count - start or (size > 1 and size * width > MOST_VARIABLES):
            size = max(1, size // _STEP)
        yield start, start + size
        start += size


@lru_cache(maxsize=256)
def statement(insert: Insert, rows: int) -> str:
    """The statement for so many rows: the shared values first, then those of each row."""
    own = len(insert.columns) - insert.shared
    # A plain ? has the number after the highest so far.
    shared = [f"?{number}" for number in range(1, insert.shared + 1)]
    values = []
    for row in range(rows):
        before = insert.shared + row * own
        flags = [_flag(insert, name, before) for _, name in insert.flags]
        values.append(f"({', '.join([*shared, *['?'] * own, *flags])})")
    names = ", ".join([*insert.columns, *(name for name, _ in insert.flags)])
    return (
        f"INSERT OR FAIL INTO {insert.table} ({names}) VALUES {', '.join(values)} {insert.conflict}"
    )


def _flag(insert: Insert, name: str, before: int) -> str:
    """Whether a column is above zero, in the row whose own values come after so many."""
    place = insert.columns.index(name)
    number = place if place < insert.shared else before + place - insert.shared
    return f"?{number + 1} > 0"
