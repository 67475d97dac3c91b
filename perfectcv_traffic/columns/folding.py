"""A summary folded column by column: equals `Summary.add_all` of the same records, in any order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, Self

import numpy as np

from perfectcv_traffic import timestamps
from perfectcv_traffic.columns import times
from perfectcv_traffic.columns.codes import Codes, narrow
from perfectcv_traffic.columns.lines import Gathered, Shape, Words
from perfectcv_traffic.columns.nulls import Nulls
from perfectcv_traffic.columns.requests import Requests
from perfectcv_traffic.columns.seen import Rows, collected
from perfectcv_traffic.columns.windows import ClientTotals, ClientWindows, Paths
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.summary import overview
from perfectcv_traffic.summary.overview import CLIENT_TOTALS, ENDPOINTS, HOURS, Rollup
from perfectcv_traffic.summary.summary import TOO_MANY_REQUESTS, Summary, Tables, load, packed
from perfectcv_traffic.summary.tables import CLIENTS, REQUESTS, TABLES, URLS, Key, Row, Table

_REDUCED: Mapping[str, Callable[[Requests], dict[Key, list[Any]]]] = {
    ENDPOINTS.table.name: Requests.for_endpoints,
    HOURS.table.name: Requests.for_hours,
}

AT_ONCE = 2**15
"""Rows that are aggregated together."""


class Reduced(NamedTuple):
    """Cells of one table, in the place of all."""

    found: dict[Key, list[Any]]

    def cells(self, _table: Table) -> Mapping[Key, list[Any]]:
        """Measures by key."""
        return self.found

    def rows(self, table: Table) -> Iterable[Row]:
        """Rows ordered by key."""
        return packed(table, dict(sorted(self.found.items())))


class Folding:
    """Records folded in; pickled, it is what a worker hands back."""

    def __init__(self) -> None:
        self._words = Words()
        self._routes: Codes[str] = Codes()
        self._nulls = Nulls()
        self._summary = Summary()
        """Nulls of all records; everything else of unusual ones."""
        self._requests = Requests()
        self._clients = ClientWindows(self._words.clients, self._routes)
        self._totals = ClientTotals(self._words.clients)
        self._urls = Paths(self._words.paths)
        self._waiting = Gathered()
        self._times: list[str] = []

    def add(self, records: Sequence[TrafficLog]) -> None:
        """Fold records in: best some hundreds at once, while the processor has them at hand."""
        if not records:
            return
        if not self._waiting.add(records, self._words):
            self._summary.add_all(records)
            self._saw([str(r.timestamp) for r in records if timestamps.is_time(r.timestamp)])
            return
        self._nulls.add(records)
        if self._waiting.rows >= AT_ONCE:
            self._aggregate()

    def _saw(self, found: list[str]) -> None:
        self._times = [min(self._times + found), max(self._times + found)] if found else self._times

    def settle(self) -> None:
        """Aggregate what waits."""
        self._nulls.into(self._summary)
        if self._waiting.rows:
            self._aggregate()

    def __getstate__(self) -> dict[str, Any]:
        """What a worker hands back: small, as it goes through a pipe."""
        self.settle()
        return self.__dict__

    def _aggregate(self) -> None:
        columns = self._waiting.columns()
        self._waiting = Gathered()
        self._saw(times.texts(np.array([columns.time.min(), columns.time.max()])))
        shapes = [Shape(*shape) for shape in self._words.shapes]
        hour = columns.time // times.PER_HOUR
        self._requests.add(columns, shapes, hour)
        one = np.ones(len(columns.time), dtype=np.int64)
        route = self._routes.of(shape.endpoint() for shape in shapes)[columns.shape]
        is_refused = [shape.status == TOO_MANY_REQUESTS for shape in shapes]
        refused = np.array(is_refused, dtype=np.int64)[columns.shape]
        windows = Rows((columns.client, route, hour), one, columns.time, refused)
        self._clients.add(windows.each(narrow))  # there may be as many as records: they wait small
        self._totals.add(collected(Rows((columns.client,), one, columns.time, refused)))
        self._urls.add(collected(Rows((columns.path,), one, columns.time, refused)))

    def merge(self, other: Self) -> None:
        """Add another folding up; it must not be used afterwards."""
        self.settle()
        other.settle()
        for table in TABLES:
            for key, measures in other._summary.cells(table).items():
                self._summary.add_cell(table, key, measures)
        self._requests.merge(other._requests)
        self._clients.merge(other._clients)
        self._totals.merge(other._totals)
        self._urls.merge(other._urls)
        self._saw(other._times)

    def span(self) -> tuple[str | None, str | None]:
        """The first and the last timestamp; None if there are none."""
        self.settle()
        return (self._times[0], self._times[-1]) if self._times else (None, None)

    def rows(self, table: Table) -> Iterable[Row]:
        """Rows of a table, as `Summary.rows` gives them."""
        self.settle()
        if table.name not in self._usual:
            return self._summary.rows(table)
        rows = self._usual[table.name]()
        if not self._summary.cells(table):
            return rows
        merged = Summary()
        merged.load(table, rows)
        merged.load(table, self._summary.rows(table))
        return merged.rows(table)

    @property
    def _usual(self) -> dict[str, Callable[[], list[Row]]]:
        """What has the rows of usual records, by table."""
        return {
            REQUESTS.name: self._requests.rows,
            CLIENTS.name: self._clients.summary_rows,
            URLS.name: self._urls.summary_rows,
        }

    def cells(self, table: Table) -> Mapping[Key, list[Any]]:
        """Measures by key, as `Summary.cells` gives them."""
        self.settle()
        if table.name not in self._usual:
            return self._summary.cells(table)
        found: dict[Key, list[Any]] = {}
        load(table, found, self.rows(table))
        return found

    def for_rollup(self, rollup: Rollup) -> Tables:
        """What the roll-up of is the same as of this, but has no more cells than that needs."""
        self.settle()
        reduced = _REDUCED.get(rollup.table.name)
        if reduced is None or self._summary.cells(rollup.source):
            return self
        return Reduced(reduced(self._requests))

    def columns_of_requests(self, table: Table) -> list[Row]:
        """Some columns of `tables.REQUESTS`, of which `table` is a part."""
        self.settle()
        if not self._summary.cells(REQUESTS):
            return self._requests.rows(table.columns)
        part = itemgetter(*map(REQUESTS.columns.index, table.columns))
        return list(map(part, self.rows(REQUESTS)))

    def summary(self) -> Summary:
        """Everything as a summary."""
        whole = Summary()
        for table in TABLES:
            whole.load(table, self.rows(table))
        return whole

    @classmethod
    def of(cls, found: Summary | Folding) -> Folding:
        """What was folded, as a folding."""
        if isinstance(found, Folding):
            return found
        folding = cls()
        folding._summary = found
        return folding

    def client_count(self) -> int:
        """How many clients there were."""
        return len(self.client_totals())

    def client_totals(self) -> list[Row]:
        """Requests, last request and blocks of each client: `overview.CLIENT_TOTALS`, no ranks."""
        self.settle()
        if self._summary.cells(CLIENTS):
            return list(overview.unranked_rows(CLIENT_TOTALS, self))
        return self._totals.summary_rows()

    def client_windows(self, clients: Collection[str]) -> list[Row]:
        """Rows of `tables.CLIENTS` of some clients."""
        self.settle()
        if self._summary.cells(CLIENTS):
            return [row for row in self.rows(CLIENTS) if row[0] in clients]
        return self._clients.summary_rows(clients)

    def paths_from(self, most: int) -> list[Row]:
        """Rows of `tables.URLS`, at least the so many with most accesses."""
        self.settle()
        return list(self.rows(URLS)) if self._summary.cells(URLS) else self._urls.summary_rows(most)
