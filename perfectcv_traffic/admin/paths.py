"""The whole paths that contain a part: so many requests need not be searched for it."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from perfectcv_traffic.admin.scope import Clause, Prefix, contains

MOST = 2_000
"""Paths that are looked for by name; more of them fill a page soon."""

_PATHS = "url_access_counts INDEXED BY url_access_counts_path"


class Matching(NamedTuple):
    """How requests for these paths are found, and how many were counted."""

    clause: Clause
    requests: int
    last: str | None
    """When the last of them was; None if that is not known."""


def matching(connection: sqlite3.Connection, part: str, prefix: Prefix) -> Matching | None:
    """The paths that contain the text, `%` and `_` taken literally, ASCII letters in any case.

    None where a path does not tell whether a request was the admin endpoints' own: a log from
    before there were any, or of a proxy, has requests under their prefix that are not marked.
    """
    if prefix.has_others(connection):
        return None
    where = contains("path", part)
    outside = prefix.outside("path")
    rows = connection.execute(
        "SELECT path, access_count, last_accessed FROM url_access_counts WHERE id IN"
        f" (SELECT id FROM {_PATHS} WHERE ({where.sql}) AND ({outside.sql}) LIMIT ?)",
        (*where.values, *outside.values, MOST + 1),
    ).fetchall()
    if len(rows) > MOST:
        return Matching(where, _requests(connection, where, outside), None)
    requests = sum(row["access_count"] for row in rows)
    last = max((row["last_accessed"] for row in rows), default=None)
    return Matching(_one_of([row["path"] for row in rows]), requests, last)


def _requests(connection: sqlite3.Connection, where: Clause, outside: Clause) -> int:
    found = connection.execute(
        "SELECT coalesce(sum(access_count), 0) FROM url_access_counts"
        f" WHERE ({where.sql}) AND ({outside.sql})",
        (*where.values, *outside.values),
    )
    return int(found.fetchone()[0])


def _one_of(paths: list[str]) -> Clause:
    """Comparing whole paths takes half as long as searching each for a part."""
    if not paths:
        return Clause("0")
    if len(paths) == 1:
        return Clause("path = ?", (paths[0],))
    # The bounds first: they keep most other paths from being looked up.
    listed = f"path >= ? AND path <= ? AND path IN ({', '.join('?' * len(paths))})"
    return Clause(listed, (min(paths), max(paths), *paths))
