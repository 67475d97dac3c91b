"""The query behind `/admin/request-logs`: newest first, by any combination of filters.

One index has the time first and every filter after it. It is read from the newest entry on, until
the page is full; only the rows of the page are fetched. What the roll-ups know keeps it short: how
many matches there are, and between which times.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any, NamedTuple

from perfectcv_traffic.admin import paths, totals
from perfectcv_traffic.admin.paths import Matching
from perfectcv_traffic.admin.scope import FAILED, FAILED_IN_SUMMARY, Clause, Prefix, contains, every
from perfectcv_traffic.record import MASKED_WHOLE
from perfectcv_traffic.store.queries import HAS_REQUEST_ID

COUNTED = 10_000
"""Matches counted one by one; of more only this much is said, unless a roll-up knows."""

BY_TIME = "api_requests_time_and_filters"
BY_REQUEST_ID = "api_requests_request_id"

METHOD = "upper(method)"
"""A row has the method as it was sent, `get` too; it is asked for in capitals."""

_PRESENT = {
    # Of a foreign log nothing is known: no value in a row, '' in the summary.
    "present": "token_validity NOT IN ('absent', '')",
    "absent": "token_validity = 'absent'",
}
_SHORTENED = "..."
_VALIDITIES = ("valid", "invalid", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What is asked for; None asks for everything."""

    path: str | None = None
    method: str | None = None
    client_ip: str | None = None
    status_code: int | None = None
    since: str | None = None
    until: str | None = None
    token: str | None = None
    has_nulls: bool | None = None
    failed: bool | None = None
    request_id: str | None = None

    @property
    def masked_token(self) -> str | None:
        """The token itself that is asked for, not a kind of token."""
        return None if self.token in (None, *_PRESENT, *_VALIDITIES) else self.token


class Page(NamedTuple):
    """Rows of `api_requests`, and how many match in all."""

    rows: list[sqlite3.Row]
    total: int
    is_exact: bool


def find(
    connection: sqlite3.Connection, wanted: Filter, prefix: Prefix, limit: int, offset: int
) -> Page:
    """The page of matching requests, newest first."""
    named = None
    if wanted.path and wanted.client_ip is None:  # few requests are left to look for the path in
        named = paths.matching(connection, wanted.path, prefix)
    select = _select(connection, wanted, named, prefix)
    known = _known_total(connection, wanted, named, prefix)
    if known is not None:
        page = _known_page(connection, select, known, limit, offset)
        return Page(_rows(connection, page), known, is_exact=True)
    first = _ids(connection, select, max(COUNTED + 1, limit), 0)
    inside = offset + limit <= COUNTED
    page = first[offset : offset + limit] if inside else _ids(connection, select, limit, offset)
    if len(first) <= COUNTED:
        return Page(_rows(connection, page), len(first), is_exact=True)
    total = max(COUNTED, offset + len(page) if page else 0)  # an empty page says nothing
    return Page(_rows(connection, page), total, is_exact=0 < len(page) < limit)


def _known_page(
    connection: sqlite3.Connection, select: Clause, total: int, limit: int, offset: int
) -> list[int]:
    """The ids of a page of so many matches, from the end of the index that is nearer."""
    left = max(0, min(limit, total - offset))
    if not left:
        return []
    if offset <= total // 2:
        return _ids(connection, select, left, offset)
    return _ids(connection, select, left, total - offset - left, newest_first=False)


def _ids(
    connection: sqlite3.Connection,
    select: Clause,
    count: int,
    skipped: int,
    *,
    newest_first: bool = True,
) -> list[int]:
    # By time alone, as the index is: sorting those of the same time takes ten times as long.
    order = f"ORDER BY timestamp {'DESC' if newest_first else 'ASC'} LIMIT ? OFFSET ?"
    found = connection.execute(f"{select.sql} {order}", (*select.values, count, skipped))
    return [row[0] for row in found]


def _known_total(
    connection: sqlite3.Connection, wanted: Filter, named: Matching | None, prefix: Prefix
) -> int | None:
    """The number of matches, if a roll-up counts by just these filters."""
    asked = {name for name in wanted.__slots__ if getattr(wanted, name) is not None}
    if not totals.are_whole(connection):
        return None
    if asked == {"path"}:
        return named.requests if named else None
    token = wanted.masked_token
    if token is not None:  # an address is a client too
        known = asked == {"token"} and _SHORTENED in token
        return totals.by_token(connection, prefix, token) if known else None
    if asked <= {"method", "status_code", "token"} or (asked == {"failed"} and wanted.failed):
        return totals.by_outcome(connection, prefix, _outcome(wanted))
    return None


def _select(
    connection: sqlite3.Connection, wanted: Filter, named: Matching | None, prefix: Prefix
) -> Clause:
    """The query for the matching ids, in no order yet."""
    index = BY_TIME if wanted.request_id is None else BY_REQUEST_ID
    clauses = _clauses(connection, wanted)
    if named:
        clauses.append(named.clause)
    elif wanted.path:
        clauses.append(contains("path", wanted.path))
    if named and named.last:
        clauses += _not_after(connection, named.last)
    where = every([*clauses, prefix.unmarked("path")])
    return Clause(f"SELECT id FROM api_requests INDEXED BY {index} WHERE {where.sql}", where.values)


def _rows(connection: sqlite3.Connection, ids: list[int]) -> list[sqlite3.Row]:
    if not ids:
        return []
    marks = ", ".join("?" * len(ids))
    found = connection.execute(f"SELECT * FROM api_requests WHERE id IN ({marks})", ids)
    return sorted(found, key=_newest_first, reverse=True)


def _newest_first(row: sqlite3.Row) -> tuple[str, int]:
    return row["timestamp"] or "", row["id"]


def _clauses(connection: sqlite3.Connection, wanted: Filter) -> list[Clause]:
    # Those that are likely to let the least through come first: the rest is seldom looked at.
    equal = {"client_ip": "client_ip", "status_code": "status_code", "method": METHOD}
    clauses = [
        Clause(f"{column} = ?", (getattr(wanted, name),))
        for name, column in equal.items()
        if getattr(wanted, name) is not None
    ]
    if wanted.request_id is not None:
        clauses.insert(0, Clause(HAS_REQUEST_ID, (wanted.request_id,)))
    if wanted.since:
        clauses.append(Clause("timestamp >= ?", (wanted.since,)))
    if wanted.until:
        clauses.append(Clause("timestamp < ?", (wanted.until,)))
    if wanted.token:
        clauses += _token(connection, wanted)
    if wanted.has_nulls is not None:
        nulls = "has_null_params OR has_null_response"
        clauses.append(Clause(nulls if wanted.has_nulls else f"NOT ({nulls})"))
    if wanted.failed is not None:
        clauses.append(Clause(FAILED if wanted.failed else f"NOT ({FAILED})"))
    return clauses


def _token(connection: sqlite3.Connection, wanted: Filter) -> list[Clause]:
    token = wanted.masked_token
    if token is None:
        return [_kind_of_token(wanted.token or "")]
    if token == MASKED_WHOLE:  # it has no windows of its own
        return [Clause("api_token = ?", (token,))]
    first, last = connection.execute(
        "SELECT min(window_start), max(last_request) FROM rate_limit_tracking"
        " WHERE client_identifier = ?",
        (token,),
    ).fetchone()
    if first is None:
        return [Clause("0")]
    bounds = [Clause("timestamp >= ?", (first,)), *_not_after(connection, last)]
    return [*(bounds if bounds[1:] else []), Clause("api_token = ?", (token,))]


def _not_after(connection: sqlite3.Connection, last: str) -> list[Clause]:
    """That nothing is looked for after the last match; says nothing if rows have no time."""
    timeless = f"SELECT 1 FROM api_requests INDEXED BY {BY_TIME} WHERE timestamp IS NULL LIMIT 1"
    if connection.execute(timeless).fetchone():
        return []
    return [Clause("timestamp <= ?", (last,))]


def _kind_of_token(word: str) -> Clause:
    if word in _PRESENT:
        return Clause(_PRESENT[word])
    return Clause("token_validity = ?", (word,))


def _outcome(wanted: Filter) -> list[Clause]:
    """The part of a filter that the summary can count; it has -1 where no response was sent."""
    clauses = []
    if wanted.method is not None:
        clauses.append(Clause(f"{METHOD} = ?", (wanted.method,)))
    if wanted.status_code is not None:
        clauses.append(Clause("status_code = ?", (wanted.status_code,)))
    if wanted.failed:
        clauses.append(Clause(FAILED_IN_SUMMARY))
    if wanted.token:
        clauses.append(_kind_of_token(wanted.token))
    return clauses


def as_dict(row: sqlite3.Row) -> dict[str, Any]:
    """A row by column name."""
    return {name: row[name] for name in row.keys()}  # noqa: SIM118 - a Row iterates values
