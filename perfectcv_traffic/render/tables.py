"""Results as text for a terminal; whoever prints it owns the console."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import pandas as pd
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from perfectcv_traffic.analysis.analysis import Analysis
from perfectcv_traffic.analysis.catalogue import ANALYSES
from perfectcv_traffic.analysis.health import gaps
from perfectcv_traffic.render.columns import COLUMNS, RULE, places, rows
from perfectcv_traffic.render.excerpt import excerpt
from perfectcv_traffic.render.grid import Folded, Grid
from perfectcv_traffic.render.text import visible

MOST_ROWS = 24
"""Rows of a table before it is cut: a day of hours."""
MOST_PLACES = 8
"""Places of a rule before the others are only counted."""

NARROW: Mapping[str, tuple[str, ...]] = {
    "top_endpoints": (
        "endpoint",
        "requests",
        "client_error_rate",
        "server_error_rate",
        "mean_ms",
        "p95_ms",
    ),
    "endpoint_durations": ("endpoint", "timed", "mean_ms", "p50_ms", "p95_ms", "p99_ms", "max_ms"),
    "null_hot_spots": (
        "endpoint",
        "source",
        "field_path",
        "requests",
        "status_5xx",
        "server_error_rate",
    ),
    "traffic_over_time": (
        "hour",
        "requests",
        "status_2xx",
        "status_3xx",
        "status_4xx",
        "status_5xx",
        "no_response",
        "server_error_rate",
    ),
    "top_by_error_rate": (
        "endpoint",
        "requests",
        "client_error_rate",
        "server_error_rate",
        "no_response",
    ),
    "top_by_total_time": ("endpoint", "timed", "total_ms", "share_of_time", "p95_ms"),
    "clients": ("client", "requests", "share_of_requests", "is_limited", "last_request"),
    "slowest_requests": ("request_id", "endpoint", "status_code", "duration_ms"),
    "failing_requests": ("request_id", "endpoint", "status_code", "error_message"),
    "expectations": (
        "scenario",
        "expected",
        "sent",
        "as_expected",
        "surprises",
        "not_recorded",
    ),
    "comparison": ("endpoint", "requests", "requests_before", "p95_ms", "p95_before_ms"),
    "uuid_logins": ("login_uuid", "logins", "succeeded", "last_login"),
    "scenarios": (
        "scenario",
        "requests",
        "status_2xx",
        "status_3xx",
        "status_4xx",
        "status_5xx",
        "no_response",
    ),
}
"""Columns that fit into 80, of the tables that have more."""

ON_REQUEST = frozenset(
    {
        "client_hours",
        "duration_distribution",
        "latency_over_time",
        "slowest_requests",
        "token_reasons",
        "top_by_p95",
        "top_by_total_time",
        "traffic_over_time",
        "unmatched_paths",
        "url_accesses",
        "user_agents",
        "uuid_logins",
    }
)
"""Shown when named: they say more of what others say first, or are read as a picture."""

_SEVERITY_STYLES = {"error": "bold red", "warning": "bold magenta"}
"""The terminal's own colours, and not yellow: it cannot be read on white."""
WIDE = 160
"""Columns of a terminal that has room for all columns of every table."""


def tables(
    results: Mapping[str, pd.DataFrame],
    names: Collection[str] | None = None,
    *,
    wide: bool = False,
    is_chosen: bool = False,
) -> Group:
    """The named analyses in their usual order, by default those to begin with.

    `is_chosen` says that filters are in force.

    Of the default ones an empty table is left out, except the findings: no finding is an answer.
    """
    chosen = _worth_showing(results) if names is None else set(names)
    parts: list[RenderableType] = [
        table(analysis, results[analysis.name], wide=wide, is_chosen=is_chosen)
        for analysis in ANALYSES
        if analysis.name in chosen
    ]
    if names is None:
        parts.append(Text("More: analyze --list names them, --only shows one.", style="dim"))
    return Group(*parts)


USUAL = frozenset(analysis.name for analysis in ANALYSES) - ON_REQUEST
"""Shown unless others are named."""


def _worth_showing(results: Mapping[str, pd.DataFrame]) -> set[str]:
    return {name for name in USUAL if name == "findings" or not results[name].empty}


def table(
    analysis: Analysis, frame: pd.DataFrame, *, wide: bool = False, is_chosen: bool = False
) -> Group:
    """The result of an analysis under its title; `wide` shows every column, however many."""
    body = _body(analysis, frame, wide=wide)
    base = analysis.base(is_chosen=is_chosen)
    return Group(
        Text.assemble((analysis.title, "bold"), f" ({base})" if base else ""),
        Padding(Group(*body), (0, 0, 1, 2), expand=False),
    )


def _body(analysis: Analysis, frame: pd.DataFrame, *, wide: bool) -> Iterator[RenderableType]:
    if frame.empty:
        yield Text(analysis.nothing, style="dim")
    elif analysis.is_facts:
        yield _facts(frame)
        if analysis.name == "health":
            yield from (Text(gap, style="dim") for gap in gaps(frame))
    elif analysis.name == "findings":
        yield from _findings(frame)
    else:
        shown, remark = excerpt(frame, analysis, MOST_ROWS)
        columns = [str(name) for name in frame.columns]
        yield Grid(shown, columns if wide else NARROW.get(analysis.name, columns))
        if remark:
            yield Text(remark, style="dim")


def _facts(frame: pd.DataFrame) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column()
    grid.add_column(justify="right")
    names = [str(name) for name in frame.columns]
    for name, value in zip(names, next(rows(frame, names)), strict=True):
        grid.add_row(Text(COLUMNS[name].heading), Text(value))
    return grid


def _findings(frame: pd.DataFrame) -> Iterator[RenderableType]:
    """A line for each rule, below it where the rule is broken."""
    for (rule, severity, title, expected), every in frame.groupby(RULE, sort=False):
        found = every.head(MOST_PLACES)
        mark = (f"{rule} {severity}", _SEVERITY_STYLES.get(str(severity), ""))
        yield Text.assemble(mark, f"  {title}; expected {expected}")
        for where, observed, ids in zip(
            places(found), found["observed"], found["evidence"], strict=True
        ):
            yield Padding(Folded(where), (0, 0, 0, 2))
            yield Padding(Text(visible(observed), style="dim"), (0, 0, 0, 4))
            if ids:
                yield Padding(Text(f"requests {visible(ids)}", style="dim"), (0, 0, 0, 4))
        if len(every) > len(found):
            more = f"and {len(every) - len(found):,} more of {rule}"
            yield Padding(Text(more, style="dim"), (0, 0, 0, 2))


def record(fields: Mapping[str, object]) -> Group:
    """Every recorded field of one request that has a value, a line each."""
    return Group(
        *(
            Text.assemble((name, "dim"), f"  {visible(str(value))}")
            for name, value in fields.items()
            if value not in {None, "", "[]"}
        )
    )
