"""Everything an analysis may read, as typed frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from perfectcv_traffic.analysis import recent
from perfectcv_traffic.analysis.cells import (
    Cells,
    hour_cells,
    hourly_cells,
    null_cells,
    request_cells,
    seen_cells,
    timed,
    typed,
)
from perfectcv_traffic.analysis.columnar import TEXT, typed_frame
from perfectcv_traffic.analysis.rows import HOURLY
from perfectcv_traffic.summary import overview
from perfectcv_traffic.summary.tables import CLIENTS, URLS, Row


@dataclass(frozen=True, slots=True)
class Health:
    """What became of the log's lines, and the time they span (as in `TrafficLog.timestamp`)."""

    ingested: int = 0
    rejected: int = 0
    duplicates: int = 0
    damaged_logs: str | None = None
    """Names of compressed logs of which only the beginning could be read."""
    first_request: str | None = None
    last_request: str | None = None


@dataclass(frozen=True, slots=True)
class Hourly(Cells):
    """The cells by the hour, and the hours of the busiest clients: the longer a log, the more."""

    windows: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Frames(Cells):
    """The cells of the whole traffic, whatever the hour, and what else there is to know of it.

    `hours` has the requests of each hour, `clients` the totals of the busiest ones, `recent` a row
    for each of the latest requests, see `analysis.recent`.
    """

    hours: pd.DataFrame
    nulls: pd.DataFrame
    clients: pd.DataFrame
    urls: pd.DataFrame
    health: Health
    recent: pd.DataFrame
    generated: pd.DataFrame
    runs: pd.DataFrame
    """`RUNS`: the runs of `generate`, oldest first."""
    client_count: int
    hourly: Hourly | None = None
    """None if it was not read."""
    documented: frozenset[tuple[str, str]] | None = None
    """Method and path of every operation of an OpenAPI document, None if none was given."""
    previous: Frames | None = None
    """What to compare with."""
    _made: dict[Callable[[Frames], pd.DataFrame], pd.DataFrame] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def once(self, make: Callable[[Frames], pd.DataFrame]) -> pd.DataFrame:
        """What a function makes of these frames, made the first time that it is asked for."""
        if make not in self._made:
            self._made[make] = make(self)
        return self._made[make].copy()

    def by_hour(self) -> Hourly:
        """What is known by the hour; raises `LookupError` if they were not read."""
        if self.hourly is None:
            raise LookupError("the cells by the hour were not read: set Analysis.is_hourly")
        return self.hourly


@dataclass(frozen=True, slots=True)
class Extras:
    """What is read beside the summary; each may be missing."""

    recent: pd.DataFrame | Iterable[tuple[object, ...]] = ()
    """`recent.frame` of the latest requests, or what it takes: values of `recent.FIELDS`."""
    generated: Iterable[tuple[object, ...]] = ()
    """Values of `GENERATED` of what `generate` sent."""
    runs: Iterable[tuple[object, ...]] = ()
    """Values of `RUNS`, oldest first."""
    client_count: int = 0
    """How many clients there were: only the busiest have rows."""
    documented: frozenset[tuple[str, str]] | None = None
    previous: Frames | None = None


GENERATED = {
    "scenario": TEXT,
    "expected": TEXT,
    "status_code": "Int64",
    "as_expected": "Int64",
    "error": TEXT,
    "is_recorded": "int64",
}
"""Columns of `generated_requests` that are read, and whether the request was ever recorded."""

RUNS = {
    "run_id": TEXT,
    "sent": "int64",
    "recorded": "int64",
    "unexpected": "int64",
    "pruned": "int64",
}
"""Requests of each run: sent, of those recorded and there, recorded under its name but never sent,
and recorded but taken away since."""

NO_EXTRAS = Extras()

ENDPOINTS, HOURS, NULL_FIELDS, CLIENT_TOTALS = map(overview.unranked, overview.ROLLUPS)
"""What is read of each roll-up."""


def frames(rows: Mapping[str, Iterable[Row]], health: Health, extras: Extras = NO_EXTRAS) -> Frames:
    """Frames of rows by table name, see `analysis.rows`; no rows give typed empty frames."""
    whole = request_cells(ENDPOINTS, rows.get(ENDPOINTS.name, ()))
    return Frames(
        requests=whole.requests,
        durations=whole.durations,
        hours=hour_cells(HOURS, rows.get(HOURS.name, ())),
        nulls=null_cells(NULL_FIELDS, rows.get(NULL_FIELDS.name, ())),
        clients=seen_cells(CLIENT_TOTALS, rows.get(CLIENT_TOTALS.name, ()), "last_request"),
        urls=seen_cells(URLS, rows.get(URLS.name, ()), "last_accessed"),
        health=health,
        recent=_recent(extras),
        generated=typed_frame(GENERATED, extras.generated),
        runs=typed_frame(RUNS, extras.runs),
        client_count=extras.client_count,
        hourly=_hourly(rows) if HOURLY.name in rows else None,
        documented=extras.documented,
        previous=extras.previous,
    )


def _recent(extras: Extras) -> pd.DataFrame:
    made = extras.recent
    return made if isinstance(made, pd.DataFrame) else recent.frame(made)


def _hourly(rows: Mapping[str, Iterable[Row]]) -> Hourly:
    cells = hourly_cells(HOURLY, rows[HOURLY.name])
    windows = timed(typed(CLIENTS, rows.get(CLIENTS.name, ())), "window_start")
    return Hourly(cells.requests, cells.durations, windows)
