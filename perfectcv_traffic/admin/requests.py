"""The query behind `/admin/request-logs`: newest first, by any combination of filters.

The filters read indexes that begin with the time, from the newest entry on, until the page is
full; only the rows of the page are fetched. Each index covers some filters, the others look rows
up, so the index is chosen by the filter that lets the least through.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any, NamedTuple

from perfectcv_traffic.admin import totals
from perfectcv_traffic.admin.scope import EVERYTHING, Clause, Prefix, contains, every
from perfectcv_traffic.store.queries import HAS_REQUEST_ID

COUNTED = 10_000
"""Matches counted one by one; of more only this much is said, unless a summary knows."""
LOOKED_UP = 20_000
"""Rows that may be fetched only to look at a column that the index lacks."""

BY_OUTCOME = "api_requests_timestamp_method_status_code_token_valid"
BY_CLIENT = "api_requests_timestamp_client_ip_api_token_scenario"
BY_PATH = "api_requests_timestamp_path"
BY_REQUEST_ID = "api_requests_request_id"

FAILED = "status_code >= 400 OR status_code IS NULL"
_PRESENT = {"present": "token_validity <> 'absent'", "absent": "token_validity = 'absent'"}
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


class Page(NamedTuple):
    """Rows of `api_requests`, and how many match in all."""

    rows: list[sqlite3.Row]
    total: int
    is_exact: bool


def find(
    connection: sqlite3.Connection, wanted: Filter, prefix: Prefix, limit: int, offset: int
) -> Page:
    """The page of matching requests, newest first."""
    select = _select(connection, wanted, prefix)
    ordered = f"{select.sql} ORDER BY timestamp DESC, id DESC LIMIT ? OFFSET ?"

    def ids(count: int, skipped: int) -> list[int]:
        return [row[0] for row in connection.execute(ordered, (*select.values, count, skipped))]

    known = _known_total(connection, wanted, prefix)
    if known is not None:
        left = max(0, min(limit, known - offset))
        return Page(_rows(connection, ids(left, offset) if left else []), known, is_exact=True)
    first = ids(max(COUNTED + 1, limit), 0)
    inside = offset + limit <= COUNTED
    page = first[offset : offset + limit] if inside else ids(limit, offset)
    is_exact = len(first) <= COUNTED
    total = len(first) if is_exact else max(COUNTED, offset + len(page))
    return Page(_rows(connection, page), total, is_exact)


def _known_total(connection: sqlite3.Connection, wanted: Filter, prefix: Prefix) -> int | None:
    """The number of matches, if a summary table counts by just these filters."""
    asked = {name for name in wanted.__slots__ if getattr(wanted, name) is not None}
    if asked == {"path"} and wanted.path and "\0" not in wanted.path:
        return totals.by_path(connection, prefix, wanted.path)
    masked = wanted.token not in (None, *_PRESENT, *_VALIDITIES)
    if asked == {"token"} and _SHORTENED in (wanted.token or ""):  # an address is a client too
        return totals.by_token(connection, prefix, wanted.token or "")
    if asked <= {"method", "status_code", "token"} and not masked:
        return totals.by_outcome(connection, prefix, _outcome(wanted))
    if asked == {"failed"} and wanted.failed:
        return totals.by_outcome(connection, prefix, _outcome(wanted))
    return None


def plans(connection: sqlite3.Connection, wanted: Filter, prefix: Prefix) -> list[str]:
    """SQLite's plan for a filter, for the tests."""
    select = _select(connection, wanted, prefix)
    sql = f"EXPLAIN QUERY PLAN {select.sql} ORDER BY timestamp DESC, id DESC LIMIT 100"
    return [row[3] for row in connection.execute(sql, select.values)]


def _select(connection: sqlite3.Connection, wanted: Filter, prefix: Prefix) -> Clause:
    """The query for the matching ids, in no order yet."""
    index = _index(connection, wanted)
    own = prefix.outside("path") if index == BY_PATH else prefix.unmarked("path")
    where = every([*_clauses(wanted), own])
    return Clause(f"SELECT id FROM api_requests INDEXED BY {index} WHERE {where.sql}", where.values)


def _rows(connection: sqlite3.Connection, ids: list[int]) -> list[sqlite3.Row]:
    if not ids:
        return []
    marks = ", ".join("?" * len(ids))
    found = connection.execute(f"SELECT * FROM api_requests WHERE id IN ({marks})", ids)
    by_id = {row["id"]: row for row in found}
    return [by_id[row_id] for row_id in ids]


def _clauses(wanted: Filter) -> list[Clause]:
    equal = ("method", "client_ip", "status_code")
    clauses = [
        Clause(f"{name} = ?", (getattr(wanted, name),))
        for name in equal
        if getattr(wanted, name) is not None
    ]
    if wanted.request_id is not None:
        clauses.append(Clause(HAS_REQUEST_ID, (wanted.request_id,)))
    if wanted.path:
        clauses.append(contains("path", wanted.path))
    if wanted.since:
        clauses.append(Clause("timestamp >= ?", (wanted.since,)))
    if wanted.until:
        clauses.append(Clause("timestamp < ?", (wanted.until,)))
    if wanted.token:
        clauses.append(_token(wanted.token))
    if wanted.has_nulls is not None:
        nulls = "has_null_params OR has_null_response"
        clauses.append(Clause(nulls if wanted.has_nulls else f"NOT ({nulls})"))
    if wanted.failed is not None:
        clauses.append(Clause(FAILED if wanted.failed else f"NOT ({FAILED})"))
    return clauses


def _token(word: str) -> Clause:
    if word in _PRESENT:
        return Clause(_PRESENT[word])
    if word in _VALIDITIES:
        return Clause("token_validity = ?", (word,))
    return Clause("api_token = ?", (word,))


def _index(connection: sqlite3.Connection, wanted: Filter) -> str:
    """The index to read."""
    if wanted.request_id is not None:
        return BY_REQUEST_ID
    masked = wanted.token is not None and wanted.token not in (*_PRESENT, *_VALIDITIES)
    if wanted.client_ip is not None or masked:
        return BY_CLIENT
    if wanted.path and not _is_rare(connection, wanted):
        return BY_PATH
    return BY_OUTCOME


def _is_rare(connection: sqlite3.Connection, wanted: Filter) -> bool:
    """Whether so few requests have the outcome asked for that each may be looked up."""
    outcome = every(_outcome(wanted))
    if outcome == EVERYTHING:
        return False
    sql = f"SELECT coalesce(sum(requests), 0) FROM summary_requests WHERE {outcome.sql}"
    return int(connection.execute(sql, outcome.values).fetchone()[0]) <= LOOKED_UP


def _outcome(wanted: Filter) -> list[Clause]:
    """The part of a filter that the summary can count; it has -1 where no response was sent."""
    clauses = []
    if wanted.method is not None:
        clauses.append(Clause("method = ?", (wanted.method,)))
    if wanted.status_code is not None:
        clauses.append(Clause("status_code = ?", (wanted.status_code,)))
    if wanted.failed:
        clauses.append(Clause("status_code >= 400 OR status_code < 0"))
    if wanted.token:
        clauses.append(_token(wanted.token))  # never a masked one here: it has its own index
    return clauses


def as_dict(row: sqlite3.Row) -> dict[str, Any]:
    """A row by column name."""
    return {name: row[name] for name in row.keys()}  # noqa: SIM118 - a Row iterates values
