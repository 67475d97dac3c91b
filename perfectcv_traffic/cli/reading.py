"""What the commands read: a database or logs, filtered, as the frames of the analyses."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfectcv_traffic.analysis.filters import Filters, matches

if TYPE_CHECKING:
    from perfectcv_traffic.analysis.frames import Frames
    from perfectcv_traffic.columns.folding import Folding
    from perfectcv_traffic.record import TrafficLog
    from perfectcv_traffic.summary import Row

NO_FILTERS = Filters()
AT_ONCE = 10_000
"""Rows that are held as records at once."""

Documented = frozenset[tuple[str, str]] | None


@dataclass(frozen=True, slots=True)
class Source:
    """Where the traffic is: logs if any are named, else a database."""

    db: Path
    logs: Sequence[Path] = ()
    filters: Filters = NO_FILTERS


def read(
    source: Source, *, documented: Documented = None, previous: Frames | None = None
) -> Frames:
    """The frames of a source; raises `StorageError` if it cannot be read."""
    from perfectcv_traffic.analysis.frames import Extras, frames

    found = _from_logs(source) if source.logs else _from_database(source)
    extras = Extras(found.recent, found.generated, documented, previous)
    return frames(found.rows, found.health(), extras)


@dataclass(slots=True)
class _Found:
    """What a source holds."""

    rows: dict[str, Iterable[Row]]
    recent: Iterable[tuple[object, ...]]
    generated: Iterable[tuple[object, ...]] = ()
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
    recent: deque[list[TrafficLog]] = field(default_factory=deque)
    _recent: int = 0

    def add(self, records: list[TrafficLog]) -> None:
        """Fold records in, in their order."""
        from perfectcv_traffic.analysis.recent import MOST

        self.summary.add(records)
        self.recent.append(records)
        self._recent += len(records)
        while self._recent - len(self.recent[0]) >= MOST:
            self._recent -= len(self.recent.popleft())

    def latest(self) -> list[tuple[object, ...]]:
        """The values of the latest records."""
        from perfectcv_traffic.analysis.recent import MOST, values

        return list(map(values, chain.from_iterable(self.recent)))[-MOST:]

    def rows(self) -> dict[str, Iterable[Row]]:
        """Rows of every summary table."""
        from perfectcv_traffic.summary import TABLES

        return {table.name: self.summary.rows(table) for table in TABLES}


def _fold() -> _Fold:
    from perfectcv_traffic.columns.folding import Folding

    return _Fold(Folding())


def _from_logs(source: Source) -> _Found:
    from perfectcv_traffic.log.fold import batches

    fold, lines = _fold(), {"ingested": 0, "rejected": 0}
    passes = source.filters.test() if source.filters.conditions() else None
    for batch in batches(source.logs):
        lines["ingested"] += len(batch.records)
        lines["rejected"] += batch.rejected
        fold.add(list(filter(passes, batch.records)) if passes else batch.records)
    return _Found(fold.rows(), fold.latest(), lines=lines, span=fold.summary.span())


def _from_database(source: Source) -> _Found:
    from perfectcv_traffic.store import database, queries

    with database.reading(source.db) as connection:
        connection.create_function("matches", 2, matches, deterministic=True)
        is_filtered = bool(source.filters.conditions())
        found = _selected(connection, source.filters) if is_filtered else _everything(connection)
        counts = queries.line_counts(connection)
        found.lines = {
            "ingested": counts.stored,
            "rejected": counts.rejected,
            "duplicates": counts.duplicate,
        }
        found.generated = _generated(connection)
        return found


def _everything(connection: sqlite3.Connection) -> _Found:
    """From the summary tables: as fast for a long log as for a short one."""
    from perfectcv_traffic.analysis.recent import FIELDS, MOST
    from perfectcv_traffic.analysis.single import TOP
    from perfectcv_traffic.store import queries
    from perfectcv_traffic.summary import URLS

    found = queries.summary_rows(connection)
    found[URLS.name] = queries.top_urls(
        connection, TOP
    )  # there are as many as paths were asked for
    rows = {name: list(rows) for name, rows in found.items()}
    latest = f"SELECT {', '.join(FIELDS)} FROM api_requests ORDER BY id DESC LIMIT {MOST}"
    recent = connection.execute(latest).fetchall()[::-1]
    return _Found(dict(rows), recent, span=queries.time_range(connection))


def _selected(connection: sqlite3.Connection, filters: Filters) -> _Found:
    """From the rows that pass the filters, folded as ingest folds them."""
    fold, records = _fold(), _records(connection, *filters.where())
    while some := list(islice(records, AT_ONCE)):
        fold.add(some)
    return _Found(fold.rows(), fold.latest(), span=fold.summary.span())


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
    """From values as SQLite has them to a record; lists are JSON text there."""
    import msgspec

    from perfectcv_traffic.record import NullDetail, TrafficLog

    decode = msgspec.json.Decoder(list[NullDetail]).decode
    lists = [place for place, name in enumerate(names) if name.endswith("_details")]

    def build(row: Sequence[Any]) -> TrafficLog:
        given = list(row)
        for place in lists:
            given[place] = decode(given[place]) if given[place] not in {None, "[]"} else []
        return TrafficLog(**dict(zip(names, given, strict=True)))

    return build


def _generated(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    return connection.execute(
        "SELECT g.scenario, g.expected, g.status_code, g.as_expected, g.error,"
        " EXISTS (SELECT 1 FROM api_requests r"
        "         WHERE r.request_id = g.request_id AND r.run_id = g.run_id)"
        " FROM generated_requests g ORDER BY g.id"
    ).fetchall()
