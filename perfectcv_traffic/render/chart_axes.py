"""What charts are made of: rows of bars, layers over hours, axes of counts, hours, durations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import dates, rcParams, ticker
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.patches import Patch

from perfectcv_traffic.render.chart_style import HATCH
from perfectcv_traffic.render.columns import count, duration, percent
from perfectcv_traffic.render.palette import Fill

Floats = npt.NDArray[np.floating[Any]]

VALUE_ROOM = 1.12
ROOM_PER_CHARACTER = 0.0135
"""Length of the axis over the longest bar: the value behind the bar needs its place."""
MARK_ROOM = 1.3
"""The same for the marks above a histogram."""
NARROWEST_LABELLED = 0.06
"""Share of the axis below which a part of a bar has no room for its label."""
MOST_FINE_TICKS = 10**3.8
"""Ratio of the ends of an axis of durations up to which there is room for ticks at 2 and 5."""
SHORTEST_MS = 0.001
"""A duration of 0 has no place on a logarithmic scale: it stands at the clock's unit."""
FLIP = 0.75
"""Share of the axis beyond which a mark's label stands on its left."""
HOUR = 1 / 24
"""In days, the unit of matplotlib's time axes."""
FEWEST_HOURS = 6
DRAWABLE_DAYS = (-719_162.0, 2_932_896.99)
"""Years 1 to 9999: beyond, matplotlib has no dates."""
_DATES = ["%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M", "%H:%M"]
_FIRST_DATES = ["", "%Y-%m", "%m-%d", "%m-%d", "%H:%M", "%H:%M"]
"""For ticks at years, months, days, hours, minutes and seconds: figures only, in any language."""
FEW_HOURS = 200
"""Hours up to which each has a line within its outline: a single hour in a year would not be seen
without."""
SHORT_RUN = 2
"""Hours in a row, on average, up to which they have one whatever their number."""
MOST_BARS = 72
"""Hours up to which each is a bar of its own; beyond, hours join to an outline."""


def rows(axes: Axes, names: Sequence[str], *, fewest: int, families: Sequence[str] = ()) -> None:
    """A named row for each bar, first on top; `fewest` keeps a single bar from filling the page."""
    axes.set_yticks(range(len(names)), names, linespacing=1.2)
    for label in axes.get_yticklabels() if families else ():
        label.set_fontfamily(list(families))
    axes.set_ylim(max(len(names), fewest) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")


def bar(axes: Axes, row: int, fill: Fill, length: float, start: float = 0) -> None:
    """A horizontal bar, without an outline: that would hide a short one."""
    bars = axes.barh(row, length, left=start, height=0.68)
    _paint(bars, fill)


def _paint(patches: Iterable[Patch], fill: Fill) -> None:
    for patch in patches:
        patch.set(facecolor=fill.colour, hatch=fill.hatch, edgecolor=HATCH, linewidth=0)


def values(axes: Axes, counts: pd.Series, remarks: Iterable[str]) -> None:
    """Count and a remark behind the bar of each row, and an axis with room for them."""
    widest = 0
    for row, (number, remark) in enumerate(zip(counts, remarks, strict=True)):
        widest = max(widest, len(remark))
        axes.annotate(
            f"{count(number)}  ·  {remark}",
            (number, row),
            xytext=(6, 0),
            textcoords="offset points",
            va="center_baseline",
            fontsize=9.5,
            bbox=_plate(),
        )
    axes.set_xlim(0, max(counts) * (VALUE_ROOM + widest * ROOM_PER_CHARACTER))
    axes.set_xlabel("Requests")
    count_axis(axes.xaxis)


def part_label(axes: Axes, row: int, start: float, share: float, text: str) -> None:
    """The name and size of a part inside a bar of shares, if it fits."""
    if share >= NARROWEST_LABELLED:
        axes.text(
            start + share / 2,
            row,
            f"{text}\n{percent(share)}",
            ha="center",
            va="center",
            linespacing=1.25,
            fontsize=9,
            bbox=_plate(),
        )


def _plate() -> dict[str, Any]:
    """What a label stands on, so that no line runs through it."""
    return {"boxstyle": "round,pad=0.2", "facecolor": rcParams["figure.facecolor"], "linewidth": 0}


def count_axis(axis: Axis) -> None:
    """Whole numbers with thousands separators."""
    axis.set_major_locator(
        ticker.MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10], integer=True, min_n_ticks=1)
    )
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: count(value)))


def duration_axis(axes: Axes, shortest_ms: float, longest_ms: float) -> None:
    """A logarithmic axis of durations over at least a decade, ticks with their unit."""
    centre = (shortest_ms * longest_ms) ** 0.5
    low, high = min(shortest_ms, centre / 10**0.5), max(longest_ms, centre * 10**0.5)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    _duration_ticks(axes.xaxis, high / low)
    axes.set_xlabel("Duration (logarithmic scale)")
    axes.grid(visible=False, axis="x")


def duration_scale(axes: Axes, shortest_ms: float, longest_ms: float) -> None:
    """A logarithmic vertical axis of durations over at least a decade, ticks with their unit."""
    low, high = shortest_ms * 0.8, longest_ms * 1.25
    spare = max(1.0, 10 / (high / low)) ** 0.5
    axes.set_yscale("log")
    axes.set_ylim(low / spare, high * spare)
    _duration_ticks(axes.yaxis, high / low)
    axes.set_ylabel("Duration (logarithmic scale)")


def _duration_ticks(axis: Axis, ratio: float) -> None:
    # Finer ones than at each decade matplotlib leaves out altogether where it skips decades.
    steps = (1.0, 2.0, 5.0) if ratio < MOST_FINE_TICKS else (1.0,)
    axis.set_major_locator(ticker.LogLocator(subs=steps, numticks=10))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: duration(value)))
    axis.set_minor_locator(ticker.NullLocator())


def marks(axes: Axes, durations_ms: Mapping[str, float]) -> None:
    """A named line at each duration, each label on a level of its own so that none overlap."""
    axes.set_ylim(0, axes.get_ylim()[1] * MARK_ROOM)
    low, high = axes.get_xlim()
    flip = low * (high / low) ** FLIP
    ink = rcParams["text.color"]
    for level, (name, value) in enumerate(durations_ms.items()):
        top = 0.97 - 0.075 * level
        place = max(value, low)  # a duration of 0 has no place on a logarithmic scale
        is_right = place > flip
        axes.axvline(place, ymax=top, color=ink, linewidth=1, linestyle=(0, (4, 2)))
        axes.annotate(
            f"{name}  {duration(value)}",
            (place, top),
            xycoords=("data", "axes fraction"),
            xytext=(-6 if is_right else 6, -1),
            textcoords="offset points",
            ha="right" if is_right else "left",
            va="top",
            fontweight="bold",
            bbox=_plate(),
        )


def hour_axis(axes: Axes, first: float, last: float) -> None:
    """A UTC time axis over the given days, a few hours at least, with as many ticks as fit."""
    spare = max(0.0, FEWEST_HOURS * HOUR - (last + HOUR - first)) / 2
    earliest, latest = DRAWABLE_DAYS
    axes.set_xlim(max(first - spare, earliest), min(last + HOUR + spare, latest))
    locator = dates.AutoDateLocator(minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
    formatter = dates.ConciseDateFormatter(  # type: ignore[no-untyped-call]
        locator, formats=_DATES, zero_formats=_FIRST_DATES, show_offset=False
    )
    axes.xaxis_date()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(formatter)
    axes.set_xlabel("Hour (UTC)")
    axes.grid(visible=False, axis="x")


def hourly(axes: Axes, days: Floats, low: Floats, high: Floats, fill: Fill) -> None:
    """A layer of requests per hour: bars while they can be told apart, else an outline."""
    if days[-1] - days[0] < MOST_BARS * HOUR:
        _paint(axes.bar(days + HOUR / 2, high - low, width=HOUR * 0.86, bottom=low), fill)
        return
    ends = days + HOUR
    last = np.append(np.flatnonzero(days[1:] > ends[:-1] + HOUR / 2), len(days) - 1)
    after = last + 1
    axes.fill_between(
        np.insert(days, after, ends[last]),
        np.insert(low, after, 0),
        np.insert(high, after, 0),
        step="post",
        color=fill.colour,
        linewidth=0,
    )
    if len(days) < FEW_HOURS or len(days) <= SHORT_RUN * len(last):
        # No edge of the outline: that runs from 0, over the layers below.
        there = high > low
        middle = days[there] + HOUR / 2
        axes.vlines(middle, low[there], high[there], color=fill.colour, linewidth=0.75)
