"""What a database holds: its roll-ups, or the rows that pass filters."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from perfectcv_traffic import timestamps
from perfectcv_traffic.analysis.latest import FIELDS, MOST
from perfectcv_traffic.sources.contents import Contents, Fold
from perfectcv_traffic.sources.filters import Filters, matches

if TYPE_CHECKING:
    from pathlib import Path

    from perfectcv_traffic.record import TrafficLog
    from perfectcv_traffic.sources.source import Source

AT_ONCE = 10_000
"""Rows that are held as records at once."""


def from_database(source: Source, *, hourly: bool) -> Contents:
    """What the database holds; raises `StorageError` if it cannot be read."""
    from perfectcv_traffic.store import database, queries

    with database.reading(source.db) as connection:
        connection.create_function("matches", 2, matches, deterministic=True)
        look = _selected if source.filters.conditions() else _everything
        found = look(connection, source.filters, hourly=hourly)
        _tell_of_absence(source, connection)
        _tell_of_pruned(source, connection)
        counts = queries.line_counts(connection)
        found.lines = {
            "ingested": counts.stored,
            "rejected": counts.rejected,
            "duplicates": counts.duplicate,
        }
        found.generated = _generated(connection)
        found.runs = queries.runs(connection)
        return found


_told: set[tuple[Path, str]] = set()


def _tell_once(source: Source, of: str, what: str) -> None:
    if (source.db, of) not in _told:
        _told.add((source.db, of))
        source.note(f"database {source.db} {what}")


def _tell_of_pruned(source: Source, connection: sqlite3.Connection) -> None:
    """Say that filters choose among what is left: without any, what was pruned counts too."""
    from perfectcv_traffic.store.doctor import pruned_rows

    pruned = pruned_rows(connection) if source.filters.conditions() else 0
    oldest = f"SELECT min(timestamp) FROM api_requests WHERE {timestamps.IS_TIME_SQL}"
    (first,) = connection.execute(oldest).fetchone() if pruned else (None,)
    if pruned and not (first and source.filters.since and source.filters.since >= first):
        left = f", the oldest of {first}" if first else ""
        _tell_once(
            source,
            "pruned",
            f"had {pruned:,} requests pruned: filters choose among those that are left{left};"
            " without filters all count",
        )


def _tell_of_absence(source: Source, connection: sqlite3.Connection) -> None:
    """Say once that analyses of single requests do not know those that have no rows."""
    from perfectcv_traffic.store import counted

    if counted.summarised(connection):
        what = "user agents, bursts, runs and findings that rest on single requests"
        _tell_once(source, "absence", counted.absence(connection, what))


def _everything(connection: sqlite3.Connection, _: Filters, *, hourly: bool) -> Contents:
    """From the summary tables: as fast for a long log as for a short one."""
    from perfectcv_traffic.analysis.rows import HOURLY, MOST_URLS, busiest
    from perfectcv_traffic.store import queries
    from perfectcv_traffic.summary.overview import CLIENT_TOTALS
    from perfectcv_traffic.summary.tables import CLIENTS, URLS

    rows = {name: list(found) for name, found in queries.overview_rows(connection).items()}
    rows[URLS.name] = list(queries.top_urls(connection, MOST_URLS))
    if hourly:
        names = busiest(rows[CLIENT_TOTALS.table.name])
        rows[CLIENTS.name] = queries.client_windows(connection, names)
        rows[HOURLY.name] = queries.cells(connection, HOURLY)
    span = queries.time_range(connection)
    return Contents(rows, _latest(connection), queries.client_count(connection), span=span)


def _latest(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    """The latest requests, oldest first: ids are in the order of time only as long as one log is
    stored. What has no time is older than what has."""
    timed, columns = timestamps.IS_TIME_SQL, ", ".join(FIELDS)
    select = f"SELECT {columns} FROM api_requests WHERE"
    found = connection.execute(
        f"{select} {timed} ORDER BY timestamp DESC, id DESC LIMIT ?", (MOST,)
    ).fetchall()
    found += connection.execute(
        f"{select} ({timed}) IS NOT TRUE ORDER BY id DESC LIMIT ?", (MOST - len(found),)
    ).fetchall()
    return found[::-1]


def _selected(connection: sqlite3.Connection, filters: Filters, *, hourly: bool) -> Contents:
    """From the rows that pass the filters, folded as ingest folds them."""
    from perfectcv_traffic.store import counted

    counted.require_rows(connection, "what filters choose")
    fold, records = Fold(), _records(connection, *filters.where())
    while some := list(islice(records, AT_ONCE)):
        fold.add(some)
    return fold.contents(hourly=hourly)


def _records(
    connection: sqlite3.Connection, where: str, parameters: tuple[str | int, ...]
) -> Iterator[TrafficLog]:
    """Records of the rows that fit, oldest first, without headers and bodies."""
    names = _summarised()
    build = _builder(names)
    sql = f"SELECT {', '.join(names)} FROM api_requests WHERE {where} ORDER BY id"
    return (build(row) for row in connection.execute(sql, parameters))


_UNREAD = frozenset({"request_body", "response_body", "query_params", "url"})


def _summarised() -> list[str]:
    from perfectcv_traffic.record import fields

    return [one.name for one in fields() if one.kind is not dict and one.name not in _UNREAD]


def _builder(names: Sequence[str]) -> Callable[[Sequence[Any]], TrafficLog]:
    """From values as SQLite has them to a record: lists are JSON text there, booleans numbers."""
    import msgspec

    from perfectcv_traffic.record import NullDetail, TrafficLog, fields

    decode = msgspec.json.Decoder(list[NullDetail]).decode
    lists = [place for place, name in enumerate(names) if name.endswith("_details")]
    truths = {one.name for one in fields() if one.kind is bool}
    booleans = [place for place, name in enumerate(names) if name in truths]

    def build(row: Sequence[Any]) -> TrafficLog:
        given = list(row)
        for place in booleans:
            given[place] = None if given[place] is None else bool(given[place])
        for place in lists:
            given[place] = decode(given[place]) if given[place] not in {None, "[]"} else []
        return TrafficLog(**dict(zip(names, given, strict=True)))

    return build


def _generated(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    return connection.execute(
        "SELECT g.scenario, g.expected, g.status_code, g.as_expected, g.error,"
        " g.is_pruned OR EXISTS (SELECT 1 FROM api_requests r"
        "         WHERE r.request_id = g.request_id AND r.run_id = g.run_id)"
        " FROM generated_requests g ORDER BY g.id"
    ).fetchall()
