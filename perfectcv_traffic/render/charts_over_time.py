"""The charts whose axis is time: requests stacked by a label, quantiles as lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from perfectcv_traffic.render import chart_axes
from perfectcv_traffic.render.columns import cell
from perfectcv_traffic.render.palette import Fill

DAY_US = 86_400_000_000
"""Times are held in microseconds, matplotlib's time axes count days; both from 1970."""
_WIDTHS = (1.2, 2.4, 4.0)
FEW_POINTS = 100
"""Hours up to which each has a mark on its line, and the lines are this wide."""
_THINNER = 0.4


def stacked(
    axes: Axes, table: pd.DataFrame, columns: Mapping[str, str], fills: Mapping[str, Fill]
) -> dict[str, Fill]:
    """Requests of each hour in layers, one for each label that has any; the key to them."""
    days = _days(table)
    key = {name: fills[name] for name, column in columns.items() if table[column].any()}
    low = np.zeros(len(table))
    for name, fill in key.items():
        high = low + table[columns[name]].to_numpy()
        chart_axes.hourly(axes, days, low, high, fill)
        low = high
    chart_axes.hour_axis(axes, days[0], days[-1])
    chart_axes.count_axis(axes.yaxis)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("Requests per hour")
    return key


def lines(axes: Axes, table: pd.DataFrame, columns: Sequence[str], fills: Sequence[Fill]) -> None:
    """Durations of each hour as lines on a logarithmic scale, broken where an hour is missing."""
    days = _days(table)
    gaps = np.flatnonzero(np.diff(days) > chart_axes.HOUR * 1.5) + 1
    middle = np.insert(days + chart_axes.HOUR / 2, gaps, np.nan)
    marked, scale = (None, 1.0) if len(table) <= FEW_POINTS else (_alone(middle), _THINNER)
    shown = table[list(columns)].clip(lower=chart_axes.SHORTEST_MS)
    chart_axes.duration_scale(axes, shown.min().min(), shown.max().max())
    # The last is drawn first and widest, so that lines over each other are all seen.
    for width, column, fill in reversed(list(zip(_WIDTHS, columns, fills, strict=True))):
        values = np.insert(shown[column].to_numpy(dtype="float64"), gaps, np.nan)
        line = width * scale
        axes.plot(
            middle, values, color=fill.colour, marker="o", markevery=marked, ms=line * 2.4, lw=line
        )
    chart_axes.hour_axis(axes, days[0], days[-1])


def _alone(points: npt.NDArray[np.floating[Any]]) -> list[int]:
    """Positions of what has a gap (NaN) on both sides: no line leads there, so it has a mark."""
    is_gap = np.isnan(np.concatenate(([np.nan], points, [np.nan])))
    return [int(one) for one in np.flatnonzero(is_gap[:-2] & ~is_gap[1:-1] & is_gap[2:])]


def span(table: pd.DataFrame) -> str:
    """From which hour to which."""
    first, last = (cell("hour", table["hour"].iloc[end]) for end in (0, -1))
    return f"hour {first} UTC" if first == last else f"hours {first} to {last} UTC"


def _days(table: pd.DataFrame) -> npt.NDArray[np.floating[Any]]:
    return table["hour"].astype("int64").to_numpy() / DAY_US
