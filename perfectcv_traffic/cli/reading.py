"""What the commands read: a database or logs, filtered, as the frames of the analyses."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfectcv_traffic.analysis.filters import Filters, matches
from perfectcv_traffic.analysis.latest import FIELDS, MOST
from perfectcv_traffic.cli import ahead
from perfectcv_traffic.fold.latest import Latest

if TYPE_CHECKING:
    import pandas as pd

    from perfectcv_traffic.analysis.frames import Frames
    from perfectcv_traffic.analysis.rows import Rows
    from perfectcv_traffic.columns.folding import Folding
    from perfectcv_traffic.fold.run import Run
    from perfectcv_traffic.record import TrafficLog

NO_FILTERS = Filters()
AT_ONCE = 10_000
"""Rows that are held as records at once."""

Documented = frozenset[tuple[str, str]] | None


@dataclass(frozen=True, slots=True)
class Source:
    """Where the traffic is: logs if any are named, else a database."""

    db: Path
    logs: Sequence[Path | str] = ()
    """Paths or URLs."""
    filters: Filters = NO_FILTERS
    jobs: int | None = None
    """Processes that fold logs; None for one on each core."""
    cluster: str | None = None
    """Scheduler of a Dask cluster that folds the logs."""
    run: Run | None = None
    """The fold of the logs if it has begun."""


def read(
    source: Source,
    *,
    hourly: bool = True,
    documented: Documented = None,
    previous: Frames | None = None,
) -> Frames:
    """The frames of a source; raises `StorageError` if it cannot be read.

    What is known by the hour is read only if wanted: the longer a log, the more it is.
    """
    from perfectcv_traffic.analysis.frames import Extras, frames

    look = _from_logs if source.logs else _from_database
    found = look(source, hourly=hourly)
    extras = Extras(found.recent, found.generated, found.runs, found.clients, documented, previous)
    return frames(found.rows, found.health(), extras)


def frames_of(records: list[TrafficLog], *, rejected: int) -> Frames:
    """The frames of records at hand, without the hours."""
    from perfectcv_traffic.analysis.frames import Extras, frames

    fold = _fold()
    fold.add(records)
    found = fold.found(hourly=False)
    found.lines = {"ingested": len(records), "rejected": rejected}
    extras = Extras(recent=found.recent, client_count=found.clients)
    return frames(found.rows, found.health(), extras)


@dataclass(slots=True)
class _Found:
    """What a source holds."""

    rows: Rows
    recent: pd.DataFrame | Iterable[tuple[object, ...]]
    clients: int
    generated: Iterable[tuple[object, ...]] = ()
    runs: Iterable[tuple[object, ...]] = ()
    lines: dict[str, int] = field(default_factory=dict)
    span: tuple[str | None, str | None] = (None, None)

    def health(self) -> Any:
        """The health of the source, in the words of the analyses."""
        from perfectcv_traffic.analysis.frames import Health

        return Health(**self.lines, first_request=self.span[0], last_request=self.span[1])


@dataclass(slots=True)
class _Fold:
    """Records folded one by one."""

    summary: Folding
    latest: Latest = field(default_factory=lambda: Latest(MOST))

    def add(self, records: list[TrafficLog]) -> None:
        """Fold records in, in their order."""
        self.summary.add(records)
        self.latest.add(records)

    def found(self, *, hourly: bool) -> _Found:
        """What the records make together."""
        from perfectcv_traffic.analysis.recent import values
        from perfectcv_traffic.analysis.rows import of_summary

        clients = self.summary.client_count()
        rows = of_summary(self.summary, hourly=hourly)
        recent = map(values, self.latest.records())
        return _Found(rows, recent, clients, span=self.summary.span())


def _fold() -> _Fold:
    from perfectcv_traffic.columns.folding import Folding

    return _Fold(Folding())


@contextmanager
def begun(source: Source) -> Iterator[Source]:
    """The source, its logs being folded already: that goes on while heavy libraries are loaded."""
    if not source.logs or source.run:
        yield source
        return
    from perfectcv_traffic.cli.folding import executor
    from perfectcv_traffic.fold import pool
    from perfectcv_traffic.fold.files import found
    from perfectcv_traffic.fold.run import Run
    from perfectcv_traffic.fold.work import Task

    names = list(map(str, source.logs))
    selection = source.filters if source.filters.conditions() else None
    is_plain = not selection and source.jobs is None and source.cluster is None
    if is_plain and (run := ahead.taken(names)):
        with pool.naming_death():
            yield replace(source, run=run)
        return
    task = Task(selection, FIELDS, MOST)
    files = found(names)
    with executor(files, source.jobs, source.cluster) as (own, workers):
        yield replace(source, run=Run(files, own, workers, task))


def _from_logs(source: Source, *, hourly: bool) -> _Found:
    from perfectcv_traffic.analysis.rows import of_summary
    from perfectcv_traffic.cli.folding import folded
    from perfectcv_traffic.overview import CLIENT_TOTALS

    with begun(source) as working:
        assert working.run is not None
        part, recent = folded(working.run)
    lines = {
        "ingested": part.recorded,
        "rejected": part.rejected,
        "duplicates": part.duplicates,
    }
    rows = of_summary(part.folding, hourly=hourly)
    clients = len(rows[CLIENT_TOTALS.table.name])
    return _Found(rows, recent, clients, lines=lines, span=part.folding.span())


def _from_database(source: Source, *, hourly: bool) -> _Found:
    from perfectcv_traffic.store import database, queries

    with database.reading(source.db) as connection:
        connection.create_function("matches", 2, matches, deterministic=True)
        look = _selected if source.filters.conditions() else _everything
        found = look(connection, source.filters, hourly=hourly)
        _tell_of_absence(source.db, connection)
        counts = queries.line_counts(connection)
        found.lines = {
            "ingested": counts.stored,
            "rejected": counts.rejected,
            "duplicates": counts.duplicate,
        }
        found.generated = _generated(connection)
        found.runs = queries.runs(connection)
        return found


_told_of: set[Path] = set()


def _tell_of_absence(db: Path, connection: sqlite3.Connection) -> None:
    """Say once that analyses of single requests do not know those that have no rows."""
    from perfectcv_traffic.cli.terminal import note
    from perfectcv_traffic.store import counted

    if counted.summarised(connection) and db not in _told_of:
        _told_of.add(db)
        what = "user agents, bursts, runs and findings that rest on single requests"
        note(f"database {db} {counted.absence(connection, what)}")


def _everything(connection: sqlite3.Connection, _: Filters, *, hourly: bool) -> _Found:
    """From the summary tables: as fast for a long log as for a short one."""
    from perfectcv_traffic.analysis.rows import HOURLY, MOST_URLS, busiest
    from perfectcv_traffic.overview import CLIENT_TOTALS
    from perfectcv_traffic.store import queries
    from perfectcv_traffic.summary import CLIENTS, URLS

    rows = {name: list(found) for name, found in queries.overview_rows(connection).items()}
    rows[URLS.name] = list(queries.top_urls(connection, MOST_URLS))
    if hourly:
        names = busiest(rows[CLIENT_TOTALS.table.name])
        rows[CLIENTS.name] = queries.client_windows(connection, names)
        rows[HOURLY.name] = queries.cells(connection, HOURLY)
    latest = f"SELECT {', '.join(FIELDS)} FROM api_requests ORDER BY id DESC LIMIT {MOST}"
    recent = connection.execute(latest).fetchall()[::-1]
    span = queries.time_range(connection)
    return _Found(rows, recent, queries.client_count(connection), span=span)


def _selected(connection: sqlite3.Connection, filters: Filters, *, hourly: bool) -> _Found:
    """From the rows that pass the filters, folded as ingest folds them."""
    from perfectcv_traffic.store import counted

    counted.require_rows(connection, "what filters choose")
    fold, records = _fold(), _records(connection, *filters.where())
    while some := list(islice(records, AT_ONCE)):
        fold.add(some)
    return fold.found(hourly=hourly)


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

    return [one.name for one in fields() if one.type_name[:4] != "dict" and one.name not in _UNREAD]


def _builder(names: Sequence[str]) -> Callable[[Sequence[Any]], TrafficLog]:
    """From values as SQLite has them to a record: lists are JSON text there, booleans numbers."""
    import msgspec

    from perfectcv_traffic.record import NullDetail, TrafficLog, fields

    decode = msgspec.json.Decoder(list[NullDetail]).decode
    lists = [place for place, name in enumerate(names) if name.endswith("_details")]
    truths = {one.name for one in fields() if one.type_name.startswith("bool")}
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
