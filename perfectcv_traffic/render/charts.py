"""The charts: results of `analyze` in, PNG files out. Geometry only: no number is made here."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perfectcv_traffic.analysis.catalogue import ANALYSES
from perfectcv_traffic.analysis.counts import CLASS_COLUMNS, PRESENCE_COLUMNS
from perfectcv_traffic.analysis.labels import FAILED
from perfectcv_traffic.render import chart_axes, chart_style, charts_over_time, palette
from perfectcv_traffic.render.columns import cell, count, duration, percent, times
from perfectcv_traffic.render.files import write
from perfectcv_traffic.render.palette import LIGHT, Fill, Theme
from perfectcv_traffic.render.text import cut_middle, fold, visible

Results = Mapping[str, pd.DataFrame]

MOST_CODES = 12
"""Bars of status codes that stay readable on one page."""
NAME_CELLS = 46
"""Width of a line of an endpoint's name, which may take two."""
CHOSEN_CELLS = 56
"""Width of the line beside the title that says which requests were chosen."""
SHARES = "% of all requests"
MOST_SPOTS = 8
"""Null hot spots, two lines each."""
MARKS = {"p50": "p50_ms", "p95": "p95_ms", "p99": "p99_ms"}


class Around(NamedTuple):
    """What stands around a plot: the line below the title and the key to its fills."""

    subtitle: str
    key: Mapping[str, Fill] = {}


def status_distribution(axes: Axes, results: Results) -> Around:
    """A bar for each status code."""
    every = results["status_distribution"]
    shown = every.nlargest(MOST_CODES, "requests").sort_index()
    chart_axes.rows(axes, [cell("status_code", code) for code in shown["status_code"]], fewest=4)
    for row, (name, number) in enumerate(
        zip(shown["status_class"], shown["requests"], strict=True)
    ):
        chart_axes.bar(axes, row, palette.STATUS[name], number)
    chart_axes.values(axes, shown["requests"], map(percent, shown["share_of_requests"]))
    codes = f"{len(shown)} of {len(every)} codes" if len(shown) < len(every) else "all codes"
    return Around(f"{_all(results)}, {codes}; {SHARES}", _classes(shown["status_class"]))


def top_endpoints(axes: Axes, results: Results) -> Around:
    """A bar for each of the top endpoints, its errors at the end."""
    top = results["top_endpoints"]
    names = [fold(visible(name), NAME_CELLS, lines=2) for name in top["endpoint"]]
    texts, families = chart_style.drawable(names)
    chart_axes.rows(axes, texts, fewest=4, families=families)
    errors = _error_bars(axes, top)
    chart_axes.values(axes, top["requests"], map(percent, top["share_of_requests"]))
    endpoints = count(results["totals"]["endpoints"].iloc[0])
    return Around(f"{_all(results)}, {len(top)} of {endpoints} endpoints; {SHARES}", errors)


def _error_bars(axes: Axes, top: pd.DataFrame) -> dict[str, Fill]:
    """A bar of requests for each row, its errors at the end; the key to it."""
    for row, counts in enumerate(top.to_dict("records")):
        start = counts["requests"]
        for name in reversed(FAILED):
            length = counts[CLASS_COLUMNS[name]]
            start -= length
            chart_axes.bar(axes, row, palette.STATUS[name], length, start)
        chart_axes.bar(axes, row, palette.STATUS["2xx"], start)
    errors = [name for name in FAILED if top[CLASS_COLUMNS[name]].any()]
    return {"answered otherwise": palette.STATUS["2xx"], **_classes(errors)}


def duration_distribution(axes: Axes, results: Results) -> Around:
    """A histogram on a logarithmic scale with the quantiles marked."""
    bands = results["duration_distribution"]
    statistics = results["durations"].iloc[0]
    margin = (bands["to_ms"].iloc[0] / bands["from_ms"].iloc[0]) ** 0.04
    left, right = bands["from_ms"] * margin, bands["to_ms"] / margin
    axes.bar(left, bands["timed"], width=right - left, align="edge", color=palette.BLUE)
    chart_axes.duration_axis(axes, bands["from_ms"].iloc[0], bands["to_ms"].iloc[-1])
    chart_axes.count_axis(axes.yaxis)
    axes.set_ylabel("Requests")
    chart_axes.marks(axes, {name: statistics[column] for name, column in MARKS.items()})
    return Around(
        f"{_requests(statistics['timed'])} timed, mean {duration(statistics['mean_ms'])},"
        f" longest {duration(statistics['max_ms'])}"
    )


def token_usage_by_hour(axes: Axes, results: Results) -> Around:
    """Requests of each hour, stacked by token presence."""
    return _hourly(axes, results, "token_usage_by_hour", PRESENCE_COLUMNS, palette.PRESENCE)


def traffic_over_time(axes: Axes, results: Results) -> Around:
    """Requests of each hour, stacked by status class."""
    around = _hourly(axes, results, "traffic_over_time", CLASS_COLUMNS, palette.STATUS)
    return Around(around.subtitle, _classes(around.key))


def _hourly(
    axes: Axes,
    results: Results,
    name: str,
    columns: Mapping[str, str],
    fills: Mapping[str, Fill],
) -> Around:
    every = results[name]
    table = every.dropna(subset="hour")
    key = charts_over_time.stacked(axes, table, columns, fills)
    span = charts_over_time.span(table)
    return Around(f"{_all(results)}, {span}{_without_hour(every, 'requests')}", key)


def _without_hour(table: pd.DataFrame, column: str) -> str:
    """How many requests there is no hour of, and so no place in the chart."""
    number = table.loc[table["hour"].isna(), column].sum()
    return f", {_requests(number)} without a time" if number else ""


def latency_over_time(axes: Axes, results: Results) -> Around:
    """Quantiles of the durations of each hour."""
    every = results["latency_over_time"]
    table = every.dropna(subset="hour")
    key = dict(
        zip(
            MARKS, (Fill(palette.BLUE), Fill(palette.ORANGE), Fill(palette.VERMILLION)), strict=True
        )
    )
    charts_over_time.lines(axes, table, list(MARKS.values()), list(key.values()))
    span, rest = charts_over_time.span(table), _without_hour(every, "timed")
    return Around(f"{_requests(every['timed'].sum())} timed, {span}{rest}", key)


def null_hot_spots(axes: Axes, results: Results) -> Around:
    """A bar for each field that was null most harmfully, its errors at the end, and the lift."""
    every = results["null_hot_spots"]
    top = every.head(MOST_SPOTS)
    places = top["endpoint"].str.cat(top["field_path"] + " in " + top["source"], sep="\n")
    lines = [line for place in places for line in visible_lines(place)]
    texts, families = chart_style.drawable(lines)
    names = ["\n".join(texts[row : row + 2]) for row in range(0, len(texts), 2)]
    chart_axes.rows(axes, names, fewest=4, families=families)
    errors = _error_bars(axes, top)
    chart_axes.values(axes, top["requests"], map(_lift, top["lift"]))
    axes.set_xlabel("Requests with a null there")
    spots = f"{len(top)} of {count(len(every))} fields"
    return Around(f"{spots}, those with most 5xx first; × as often as the endpoint fails", errors)


def visible_lines(place: str) -> list[str]:
    """Endpoint and field, a line each, cut to the width of a name."""
    endpoint, _, field = place.rpartition("\n")
    return [cut_middle(visible(text), NAME_CELLS) for text in (endpoint, field)]


def _lift(lift: float) -> str:
    return "no 5xx" if math.isnan(lift) or lift == 0 else f"5xx {times(lift)} × as often"


def status_by_token_presence(axes: Axes, results: Results) -> Around:
    """A bar of 100 % for each token presence, divided by status class."""
    table = results["status_by_token_presence"]
    sizes = results["token_presence"].set_index("token_presence")["requests"]
    names = list(dict.fromkeys(table["token_presence"]))
    chart_axes.rows(axes, [f"{name}\n{_requests(sizes[name])}" for name in names], fewest=2)
    for row, name in enumerate(names):
        start = 0.0
        for part in table[table["token_presence"] == name].to_dict("records"):
            share, label = part["share_of_presence"], part["status_class"]
            chart_axes.bar(axes, row, palette.STATUS[label], share, start)
            chart_axes.part_label(axes, row, start, share, label)
            start += share
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(ticker.PercentFormatter(1, symbol=" %"))
    axes.set_xlabel("Share of the row's requests")
    return Around(_all(results), _classes(table["status_class"]))


CHARTS: Mapping[str, Callable[[Axes, Results], Around]] = {
    "status_distribution": status_distribution,
    "top_endpoints": top_endpoints,
    "duration_distribution": duration_distribution,
    "token_usage_by_hour": token_usage_by_hour,
    "status_by_token_presence": status_by_token_presence,
    "traffic_over_time": traffic_over_time,
    "latency_over_time": latency_over_time,
    "null_hot_spots": null_hot_spots,
}
"""Each chart by the analysis that it shows, which also names its file."""

_TITLES = {analysis.name: analysis.title for analysis in ANALYSES}


def draw(name: str, results: Results, theme: Theme = LIGHT, *, chosen: str = "") -> bytes:
    """The chart of an analysis as a PNG; "No data" where there is none to draw.

    `chosen` says which requests it is of, where it is not of all.
    """
    with chart_style.chart_style(theme):
        return chart_style.png(compose(name, results, chosen=chosen))


def compose(name: str, results: Results, *, chosen: str = "") -> Figure:
    """The chart of an analysis with title and key, in the style of the context."""
    figure, axes = chart_style.page()
    around = Around("Nothing of this was recorded")
    if _is_empty(results[name]):
        chart_style.no_data(axes)
    else:
        around = CHARTS[name](axes, results)
    chart_style.head(figure, _TITLES[name], around.subtitle)
    if chosen:
        chart_style.corner(figure, cut_middle(visible(chosen), CHOSEN_CELLS))
    chart_style.legend(figure, around.key)
    return figure


def draw_charts(results: Results, theme: Theme = LIGHT) -> dict[str, bytes]:
    """Every chart as a PNG by the name of its analysis."""
    return {name: draw(name, results, theme) for name in CHARTS}


def save_charts(
    results: Results,
    directory: Path,
    names: Collection[str] | None = None,
    *,
    chosen: str = "",
) -> list[Path]:
    """Write the named charts, by default every one, to the directory as NAME.png."""
    wanted = [name for name in CHARTS if names is None or name in names]
    return [write(directory / f"{name}.png", draw(name, results, chosen=chosen)) for name in wanted]


def _is_empty(table: pd.DataFrame) -> bool:
    return table.dropna(subset=["hour"] if "hour" in table else None, how="all").empty


def _all(results: Results) -> str:
    return _requests(results["totals"]["requests"].iloc[0])


def _requests(number: float) -> str:
    return f"{count(number)} request{'' if number == 1 else 's'}"


def _classes(used: Iterable[str]) -> dict[str, Fill]:
    """A key to the status classes used, each with its meaning."""
    used = set(used)
    return {
        name if name == meaning else f"{name} {meaning}": palette.STATUS[name]
        for name, meaning in palette.STATUS_MEANING.items()
        if name in used
    }
