"""The rows that frames are made of, from a summary in memory.

`store.queries` has those of a database. Both must be the same: an analysis does not know which.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from perfectcv_traffic.columns.folding import Folding
from perfectcv_traffic.summary import overview
from perfectcv_traffic.summary.overview import CLIENT_TOTALS, ROLLUPS
from perfectcv_traffic.summary.summary import Summary
from perfectcv_traffic.summary.tables import CLIENTS, REQUESTS, URLS, Row

BUSIEST = 10
"""Clients whose hours are looked at."""
MOST_URLS = 10
"""Paths with most requests that are read: there are as many as paths were asked for."""

HOURLY = REQUESTS._replace(
    keys=tuple(one for one in REQUESTS.keys if one.name in {"hour", "status_code"}),
    measures=tuple(
        one
        for one in REQUESTS.measures
        if one.name in {"requests", "timed", "duration_us_min", "duration_us_max", "durations"}
    ),
)
"""What is read of the cells by the hour: there are many of them."""

Rows = dict[str, list[Row]]


def of_summary(summary: Summary | Folding, *, hourly: bool = True) -> Rows:
    """Rows of every table that is read; the cells by the hour only if wanted."""
    found = Folding.of(summary)
    rows = {
        rollup.table.name: list(overview.unranked_rows(rollup, found.for_rollup(rollup)))
        for rollup in ROLLUPS
        if rollup is not CLIENT_TOTALS
    }
    rows[CLIENT_TOTALS.table.name] = found.client_totals()
    rows[URLS.name] = heapq.nsmallest(MOST_URLS, found.paths_from(MOST_URLS), key=_by_count)
    if hourly:
        names = set(busiest(rows[CLIENT_TOTALS.table.name]))
        rows[HOURLY.name] = found.columns_of_requests(HOURLY)
        rows[CLIENTS.name] = found.client_windows(names)
    return rows


def busiest(clients: Iterable[Row]) -> list[str]:
    """Names of the clients with most requests, of equals the first by name."""
    return [str(row[0]) for row in heapq.nsmallest(BUSIEST, clients, key=_by_count)]


def _by_count(row: Row) -> tuple[int, str]:
    """Most first, then by name."""
    return -int(row[1]), str(row[0])
