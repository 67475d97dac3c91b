"""Whether a summary continues what was merged of its database, or is an older state of it.

A database that counts more requests has all cells that it had, or more in them, except for groups
that it has given up since: those are part of `(other)` now. So before one state is compared with
another, groups that the other does not have are called `(other)` in it too. Then the later state of
two has in no cell less than the earlier one, and of two copies that went on apart each has in some
cell less than the other.
"""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from perfectcv_traffic.summary import overview
from perfectcv_traffic.summary.tables import REQUESTS


class Compared(NamedTuple):
    """What a source has, compared with what was merged of it."""

    has_more: bool
    has_less: bool


class _State(NamedTuple):
    table: str
    own: str
    """Which rows belong to it, in SQL."""


_SOURCE = _State(f"source.{REQUESTS.name}", "1")
_MERGED = _State(f"main.merged_{REQUESTS.name}", "{}.database = :id")


def compare(connection: sqlite3.Connection, source_id: str) -> Compared:
    """Compare the database attached as `source` with what was merged of it."""
    more, less = (
        connection.execute(_exceeding(*states), {"id": source_id}).fetchone() is not None
        for states in ((_SOURCE, _MERGED), (_MERGED, _SOURCE))
    )
    return Compared(more, less)


def _exceeding(one: _State, other: _State) -> str:
    """A query for cells of a state that have more requests than those of another."""
    names = [key.name for key in REQUESTS.keys]
    is_given_up = "r.hour IS NULL AND NOT l.route_known"
    keys = [f"l.{name}" for name in names]
    keys[names.index("route")] = (
        f"CASE WHEN {is_given_up} THEN '{overview.OTHER}' ELSE l.route END AS route"
    )
    marks = ", ".join(str(number) for number in range(1, len(names) + 1))
    return (
        f"WITH brought AS (SELECT {', '.join(keys)}, sum(l.requests) AS requests"
        f" FROM {one.table} l LEFT JOIN {other.table} r ON {_same_cell(other)}"
        f" WHERE {one.own.format('l')} GROUP BY {marks})"
        f" SELECT 1 FROM brought l LEFT JOIN {other.table} r ON {_same_cell(other)}"
        " WHERE l.requests > coalesce(r.requests, 0) LIMIT 1"
    )


def _same_cell(other: _State) -> str:
    same = [f"r.{key.name} = l.{key.name}" for key in REQUESTS.keys]
    return " AND ".join([other.own.format("r"), *same])
