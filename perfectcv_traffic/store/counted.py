"""Requests of which only the summary is kept: what tells that one was counted already.

The recorder's ids are counters, so those of a log are a few spans, kept as their first and last
id; an id of another form is a span of its own. Lines that have no id are only ever compared with
an earlier generation of their log; for that their digests are kept, eight bytes each.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.store import digests
from perfectcv_traffic.timestamps import is_time

OWN = ""
"""The source of ids that this database counted itself; of others it is the database's id."""

_COUNTER = re.compile(r"[0-9a-f]{24}")
_DIGITS = 24


class Span(NamedTuple):
    """Successive ids."""

    first: str
    last: str


class KnownIdError(Exception):
    """An id of a batch was counted already."""


@dataclass(slots=True)
class Counted:
    """What is kept of records in place of their rows."""

    ids: list[str] = field(default_factory=list)
    digests: list[tuple[int, bytes]] = field(default_factory=list)
    """Offset and digest of each record that has no id."""
    first: str | None = None
    last: str | None = None
    """Times of the earliest and the latest request."""

    def add(
        self,
        records: Sequence[tuple[int, TrafficLog]],
        row_of: Callable[[TrafficLog], list[Any]],
    ) -> None:
        """Take in records, each with its offset; `row_of` gives the row that one would have."""
        for offset, record in records:
            if record.event_id:
                self.ids.append(record.event_id)
            else:
                self.digests.append((offset, digests.digest(offset, row_of(record))))
        known = [str(one.timestamp) for _, one in records if is_time(one.timestamp)]
        self.first = min([*known, *filter(None, [self.first])], default=None)
        self.last = max([*known, *filter(None, [self.last])], default=None)


def spans(ids: Iterable[str]) -> Iterator[Span]:
    """Ids as spans, in their order; raises `KnownIdError` for one that comes twice."""
    first = last = ""
    number = -1
    for one in sorted(ids):
        if one == last:
            raise KnownIdError(one)
        own = _number(one)
        if own != number + 1 or own < 0 or not last:
            if last:
                yield Span(first, last)
            first = one
        last, number = one, own
    if last:
        yield Span(first, last)


def _number(event_id: str) -> int:
    """The place of a counter's id among all of them; -9 for an id of another form."""
    return int(event_id, 16) if _COUNTER.fullmatch(event_id) else -9


def count(connection: sqlite3.Connection, ids: Iterable[str]) -> None:
    """Remember ids, within the caller's transaction; raises `KnownIdError` if one is known."""
    for span in spans(ids):
        count_span(connection, span, OWN)


def count_span(connection: sqlite3.Connection, span: Span, source: str) -> None:
    """Remember successive ids; raises `KnownIdError` if one is known."""
    if meets(connection, span):
        raise KnownIdError(span.first)
    _insert(connection, span, source)


def _insert(connection: sqlite3.Connection, span: Span, source: str) -> None:
    """Add a span, joined with those that it continues or that continue it."""
    first, last = span
    if (number := _number(first)) > 0:
        before = f"{number - 1:0{_DIGITS}x}"
        after = f"{_number(last) + 1:0{_DIGITS}x}"
        row = connection.execute(_PREDECESSOR, (before,)).fetchone()
        if row and row[1] == before and row[2] == source:
            first = row[0]
            connection.execute("DELETE FROM counted_ids WHERE first = ?", (first,))
        found = connection.execute(
            "DELETE FROM counted_ids WHERE first = ? AND source = ? RETURNING last", (after, source)
        ).fetchall()
        last = found[0][0] if found else last
    connection.execute(
        "INSERT INTO counted_ids (source, first, last) VALUES (?, ?, ?)", (source, first, last)
    )


_PREDECESSOR = (
    "SELECT first, last, source FROM counted_ids WHERE first <= ? ORDER BY first DESC LIMIT 1"
)


def covers(wider: Iterable[Span], narrower: Iterable[Span]) -> bool:
    """Whether all ids of some spans are in others; both by first id, none with an id twice."""
    others = _joined(wider)
    other = next(others, None)
    for span in _joined(narrower):
        while other is not None and other.last < span.first:
            other = next(others, None)
        if other is None or other.first > span.first or other.last < span.last:
            return False
    return True


def _joined(found: Iterable[Span]) -> Iterator[Span]:
    """Spans, those as one that continue each other: two sources may have counted one writer's."""
    whole: Span | None = None
    for span in found:
        if whole is not None and 0 <= _number(whole.last) == _number(span.first) - 1:
            whole = Span(whole.first, span.last)
            continue
        if whole is not None:
            yield whole
        whole = span
    if whole is not None:
        yield whole


def meets(connection: sqlite3.Connection, span: Span) -> bool:
    """Whether any id of a span was counted, or has a row."""
    before = connection.execute(_PREDECESSOR, (span.last,)).fetchone()
    if before is not None and before[1] >= span.first:
        return True
    query = "SELECT 1 FROM api_requests WHERE event_id BETWEEN ? AND ? LIMIT 1"
    return connection.execute(query, span).fetchone() is not None


IS_COUNTED = (
    "EXISTS (SELECT 1 FROM (SELECT first, last FROM main.counted_ids WHERE first <= {0}"
    " ORDER BY first DESC LIMIT 1) WHERE last >= {0} AND length(first) = length({0}))"
)
"""Whether an id was counted without a row, in SQL; of another length it only looks in between."""


def any_known(connection: sqlite3.Connection, first_row: int) -> None:
    """Raise `KnownIdError` if a row from one on has an id that was counted."""
    query = (
        f"SELECT event_id FROM api_requests WHERE id >= ? AND {IS_COUNTED.format('event_id')}"
        " LIMIT 1"
    )
    if found := connection.execute(query, (first_row,)).fetchone():
        raise KnownIdError(found[0])


def has_ids(connection: sqlite3.Connection) -> bool:
    """Whether any id was counted without a row."""
    return connection.execute("SELECT 1 FROM counted_ids LIMIT 1").fetchone() is not None


def known(connection: sqlite3.Connection, ids: Iterable[str]) -> set[str]:
    """Those of the ids that were counted without a row."""
    return {one for one in ids if _is_counted(connection, one)}


def _is_counted(connection: sqlite3.Connection, event_id: str) -> bool:
    row = connection.execute(_PREDECESSOR, (event_id,)).fetchone()
    if row is None or row[1] < event_id:
        return False
    return len(row[0]) == len(event_id)  # else it only looks as if it were in between


def insert(connection: sqlite3.Connection, log_id: int, found: Counted, requests: int) -> None:
    """Keep what is kept in place of rows; raises `KnownIdError` for an id that is known."""
    count(connection, found.ids)
    digests.insert(connection, log_id, found.digests)
    add(connection, requests, (found.first, found.last))


def add(
    connection: sqlite3.Connection, requests: int, times: tuple[str | None, str | None]
) -> None:
    """Count requests that have no rows, within the caller's transaction."""
    _merge(connection, "summarised", str(requests), "CAST(value AS INTEGER) + excluded.value")
    add_times(connection, times)


def add_times(connection: sqlite3.Connection, times: tuple[str | None, str | None]) -> None:
    """Remember when the first and the last of some requests were that have no rows (any more)."""
    for name, time, pick in zip(TIMES, times, ("min", "max"), strict=True):
        if time is not None:
            _merge(connection, name, time, f"{pick}(value, excluded.value)")


TIMES = ("first summarised", "last summarised")
"""Where the times of the first and the last request without a row are."""


def _merge(connection: sqlite3.Connection, name: str, value: str, merged: str) -> None:
    connection.execute(
        "INSERT INTO store_meta (name, value) VALUES (?, ?)"
        f" ON CONFLICT (name) DO UPDATE SET value = {merged}",
        (name, value),
    )


def summarised(connection: sqlite3.Connection, schema: str = "main") -> int:
    """How many requests are in the summary and nowhere else, though none was pruned."""
    return int(meta(connection, "summarised", schema) or 0)


def times(connection: sqlite3.Connection, schema: str = "main") -> tuple[str | None, str | None]:
    """When the first and the last request without a row were."""
    first, last = (meta(connection, name, schema) for name in TIMES)
    return first, last


def meta(connection: sqlite3.Connection, name: str, schema: str = "main") -> str | None:
    """A value of `store_meta`."""
    query = f"SELECT value FROM {schema}.store_meta WHERE name = ?"
    row = connection.execute(query, (name,)).fetchone()
    return None if row is None or row[0] is None else str(row[0])


_KIND = "summary only"


def is_summary_only(connection: sqlite3.Connection, schema: str = "main") -> bool:
    """Whether the database was made to keep no rows."""
    return meta(connection, _KIND, schema) is not None


def is_summary(connection: sqlite3.Connection) -> bool:
    """Whether none of the requests has a row, though there are some or never will be."""
    if connection.execute("SELECT 1 FROM api_requests LIMIT 1").fetchone():
        return False
    return summarised(connection) > 0 or is_summary_only(connection)


def require_kind(connection: sqlite3.Connection, *, summary_only: bool) -> None:
    """Raise `StorageError` if the database keeps requests otherwise; a new one is told."""
    if is_summary_only(connection) and not summary_only:
        raise StorageError(
            "keeps a summary and no requests: ingest into it with --summary-only, or name another"
            " with --db"
        )
    if summary_only and not is_summary_only(connection):
        if connection.execute("SELECT 1 FROM log_files LIMIT 1").fetchone():
            raise StorageError(
                "keeps requests: --summary-only needs a database of its own, name one with --db"
            )
        connection.execute("INSERT INTO store_meta (name, value) VALUES (?, '1')", (_KIND,))


def require_rows(connection: sqlite3.Connection, what: str) -> None:
    """Raise `StorageError` if some requests have no rows, which `what` needs of all of them."""
    if summarised(connection) or is_summary_only(connection):
        raise StorageError(absence(connection, what))


def absence(connection: sqlite3.Connection, what: str) -> str:
    """That `what` cannot be told of requests without rows."""
    return (
        f"keeps the summary alone of {summarised(connection)} requests: {what} cannot be told of"
        " them, only where each request is kept"
    )
