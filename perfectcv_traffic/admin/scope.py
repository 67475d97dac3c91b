"""What every admin query shares: failures, literal patterns, and admin requests kept out."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from perfectcv_traffic.record import ADMIN_SCENARIO

FAILED_FROM = 400
"""A request with this status or a higher one has failed; so has one without a response."""
FAILED = f"status_code >= {FAILED_FROM} OR status_code IS NULL"
FAILED_IN_SUMMARY = f"status_code >= {FAILED_FROM} OR status_code < 0"
"""The same of rows and of summary tables, where no response is -1."""


class Clause(NamedTuple):
    """A condition in SQL and the values bound to it."""

    sql: str
    values: tuple[object, ...] = ()


EVERYTHING = Clause("1")


def every(clauses: list[Clause]) -> Clause:
    """All of the conditions at once."""
    if not clauses:
        return EVERYTHING
    values = tuple(value for clause in clauses for value in clause.values)
    return Clause(" AND ".join(f"({clause.sql})" for clause in clauses), values)


def contains(column: str, text: str) -> Clause:
    """The column contains the text, `%` and `_` taken literally, ASCII letters in any case."""
    if "\0" in text:  # LIKE reads its pattern only up to there
        return Clause(f"instr({column}, ?) > 0", (text,))
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return Clause(f"{column} LIKE ? ESCAPE '\\'", (f"%{escaped}%",))


class Prefix:
    """The admin endpoints' own path, by which their requests are kept out of other answers.

    With `None` nothing is kept out.
    """

    def __init__(self, prefix: str | None) -> None:
        self._prefix = prefix

    def inside(self, column: str) -> Clause:
        """The path or endpoint in the column belongs to the admin endpoints."""
        if self._prefix is None:
            return Clause("0")
        # One range of an index up to /admin0, the character after the slash, less /admin-x in it.
        below, end = f"{self._prefix}/", f"{self._prefix}0"
        sql = f"{column} >= ? AND {column} < ? AND ({column} = ? OR {column} >= ?)"
        return Clause(sql, (self._prefix, end, self._prefix, below))

    def outside(self, column: str) -> Clause:
        """The path or endpoint in the column belongs to the application."""
        sql, values = self.inside(column)
        return Clause(f"NOT ({sql})", values)

    def unmarked(self, column: str) -> Clause:
        """The request was not made to the admin endpoints.

        Only a marked one has its path looked at, which is in few indexes. The mark alone proves
        nothing: any client can send it, and would be hidden.
        """
        sql, values = self.inside(column)
        return Clause(f"scenario IS NOT ? OR NOT ({sql})", (ADMIN_SCENARIO, *values))

    def has_others(self, connection: sqlite3.Connection) -> bool:
        """Whether there are requests under the prefix that are not marked."""
        sql, values = self.inside("route")
        query = f"SELECT 1 FROM summary_endpoints WHERE scenario <> ? AND ({sql}) LIMIT 1"
        return connection.execute(query, (ADMIN_SCENARIO, *values)).fetchone() is not None
