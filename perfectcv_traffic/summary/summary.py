"""The mergeable summary: what analyses read instead of every row.

Four tables, each declared once as keys and measures. `Summary.add` folds a record in, `merge` adds
two summaries; both are exact (integers, minima, maxima, integer sketches), so merging is
associative and commutative with `Summary()` as its identity, whatever the split of the log. A sum
stops at `LARGEST_SUM`: what one line claims, however large, is not to stop the others. The
store keeps the same tables in SQLite and merges with the same rules.

Unknown key values are "" or -1, never NULL: SQL holds two NULLs to be different keys.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from perfectcv_traffic import client_identifier, paths
from perfectcv_traffic.record import NullDetail, TrafficLog
from perfectcv_traffic.summary import sketch
from perfectcv_traffic.summary.measures import MERGES, TOTALS, summed
from perfectcv_traffic.summary.tables import (
    CLIENTS,
    NO_MINIMUM,
    NULLS,
    REQUESTS,
    TABLES,
    UNKNOWN,
    URLS,
    Key,
    Row,
    Table,
)

TOO_MANY_REQUESTS = 429
MAX_DURATION_MS = 1e9
"""Eleven days; anything longer is not taken for a duration."""

_LIST_POSITION = re.compile(r"\[\d+\]")


class Tables(Protocol):
    """Where the tables of a summary can be read."""

    def cells(self, table: Table) -> Mapping[Key, list[Any]]:
        """Measures by key."""
        ...

    def rows(self, table: Table) -> Iterable[Row]:
        """Rows of a table, keys then measures with sketches packed, ordered by key."""
        ...


class Summary:
    """Aggregates of any number of records: for each table, a list of measures by key.

    In memory a sketch is a dict of bucket counts; in a row it is packed bytes.
    """

    def __init__(self) -> None:
        self._cells: dict[str, dict[Key, list[Any]]] = {table.name: {} for table in TABLES}

    def add(self, record: TrafficLog) -> None:
        """Fold one record in."""
        self.add_all([record])

    def add_all(self, records: Sequence[TrafficLog]) -> None:
        """Fold records in; many at once cost less each."""
        groups: dict[Key, list[TrafficLog]] = {}
        windows: list[Key] = []
        for record in records:
            seen = record.timestamp or ""
            route, known = record.route, 1
            if route is None:
                route, known = paths.template(record.path), 0
            status, auth, hour = record.status_code, record.auth_required, seen[:13]
            key: Key = (
                hour, record.method or "", route, known,
                UNKNOWN if status is None else status, record.token_validity or "",
                UNKNOWN if auth is None else int(auth), record.scenario or "",
            )  # fmt: skip
            group = groups.get(key)
            if group is None:
                groups[key] = [record]
            else:
                group.append(record)
            endpoint = paths.endpoint(route, known, status)
            windows.append((client_identifier.of(record), endpoint, hour))
        for key, group in groups.items():
            add(REQUESTS, self._cells[REQUESTS.name], key, _request_measures(group))
            self._add_nulls(key, group)
        times = [record.timestamp or "" for record in records]
        self._add_windows(windows, times, records)
        self._add_urls([(record.path,) for record in records], times)

    def _add_windows(
        self, keys: list[Key], times: list[str], records: Sequence[TrafficLog]
    ) -> None:
        blocked = {
            key
            for key, record in zip(keys, records, strict=True)
            if record.status_code == TOO_MANY_REQUESTS
        }
        found = {
            key: [count, last, int(key in blocked)]
            for key, (count, last) in _counted(keys, times).items()
        }
        self._merge(CLIENTS, found)

    def _add_urls(self, keys: list[Key], times: list[str]) -> None:
        found = {key: [count, last] for key, (count, last) in _counted(keys, times).items()}
        self._merge(URLS, found)

    def _merge(self, table: Table, found: dict[Key, list[Any]]) -> None:
        cells = self._cells[table.name]
        if not cells:
            self._cells[table.name] = found
            return
        for key, measures in found.items():
            add(table, cells, key, measures)

    def _add_nulls(self, key: Key, group: list[TrafficLog]) -> None:
        hour, method, route, _, status, *_ = key
        origin = (hour, method, route, status)
        sent = [record.null_params_details for record in group if record.null_params_details]
        answered = [
            record.null_response_details for record in group if record.null_response_details
        ]
        for source, details in (("request", sent), ("response", answered)):
            # Most of an endpoint's requests with nulls have the same ones.
            kinds = [tuple([(d.location, d.field_path, d.kind) for d in one]) for one in details]
            examples = dict(zip(kinds, details, strict=True))
            for kind, requests in Counter(kinds).items():
                self.add_nulls((*origin, source), examples[kind], requests)

    def add_cell(self, table: Table, key: Key, measures: list[Any]) -> None:
        """Merge measures into a cell; the list becomes the cell's own."""
        add(table, self._cells[table.name], key, measures)

    def cells(self, table: Table) -> Mapping[Key, list[Any]]:
        """Measures by key."""
        return self._cells[table.name]

    def rows(self, table: Table) -> Iterator[Row]:
        """Rows of a table, keys then measures with sketches packed, ordered by key."""
        return packed(table, dict(sorted(self._cells[table.name].items())))

    def load(self, table: Table, rows: Iterable[Row]) -> None:
        """Merge rows of the shape that `rows` gives into this summary."""
        load(table, self._cells[table.name], rows)

    def add_nulls(self, origin: Key, details: Sequence[NullDetail], requests: int = 1) -> None:
        """Fold in nulls of equal requests; `origin` is hour, method, route, status, source."""
        occurrences: dict[Key, int] = {}
        for detail in details:
            field_path = _LIST_POSITION.sub("[]", detail.field_path)
            key = (*origin, detail.location, field_path, detail.kind)
            occurrences[key] = occurrences.get(key, 0) + 1
        cells = self._cells[NULLS.name]
        for key, count in occurrences.items():
            add(NULLS, cells, key, [requests, count * requests])


def _counted(keys: list[Key], times: list[str]) -> dict[Key, tuple[int, str]]:
    """How often each key comes, and the latest of its times."""
    counts = Counter(keys)
    last = dict(zip(keys, times, strict=True))
    for key, time in zip(keys, times, strict=True):
        if last[key] < time:  # noqa: PLR1730 - a call for each line; a log is in the order of ends
            last[key] = time
    return {key: (count, last[key]) for key, count in counts.items()}


def _request_measures(group: list[TrafficLog]) -> list[Any]:
    counts = [
        len(group),
        sum(record.null_params_count > 0 for record in group),
        sum(record.null_response_count > 0 for record in group),
        sum(record.complete is False for record in group),
        summed(record.request_bytes or 0 for record in group),
        summed(record.response_bytes or 0 for record in group),
    ]
    durations = [
        round(milliseconds * 1000)
        for record in group
        if (milliseconds := record.response_time_ms) is not None
        and 0 <= milliseconds <= MAX_DURATION_MS
    ]
    if not durations:
        return [*counts, 0, 0, 0, NO_MINIMUM, 0, {}]
    squares = summed(round(duration * duration / 1000) for duration in durations)
    return [
        *counts, len(durations), summed(durations), squares, min(durations), max(durations),
        dict(Counter(map(sketch.bucket, durations))),
    ]  # fmt: skip


def add(table: Table, cells: dict[Key, list[Any]], key: Key, measures: list[Any]) -> None:
    """Merge measures into the cell of a key; the list becomes the cell's own."""
    cell = cells.get(key)
    if cell is None:
        cells[key] = measures
        return
    cells[key] = [
        MERGES[column.merge](left, right)
        for column, left, right in zip(table.measures, cell, measures, strict=True)
    ]


def total(table: Table, parts: list[list[Any]]) -> list[Any]:
    """Measures of any number of cells merged."""
    if len(parts) == 1:
        return list(parts[0])
    return [
        TOTALS[column.merge](values)
        for column, values in zip(table.measures, zip(*parts, strict=True), strict=True)
    ]


def load(table: Table, cells: dict[Key, list[Any]], rows: Iterable[Row]) -> None:
    """Merge rows, keys then measures with sketches packed, into cells."""
    width = len(table.keys)
    for row in rows:
        measures = [sketch.unpack(m) if isinstance(m, bytes) else m for m in row[width:]]
        add(table, cells, row[:width], measures)  # type: ignore[arg-type]


def packed(table: Table, cells: Mapping[Key, list[Any]]) -> Iterator[Row]:
    """Rows of cells, in their order."""
    if table.measures[-1].merge != "sketch":
        return ((*key, *measures) for key, measures in cells.items())
    return ((*key, *measures[:-1], sketch.pack(measures[-1])) for key, measures in cells.items())


def merge(left: Summary, right: Summary) -> Summary:
    """A new summary of everything in both."""
    total = Summary()
    for table in TABLES:
        total.load(table, left.rows(table))
        total.load(table, right.rows(table))
    return total
