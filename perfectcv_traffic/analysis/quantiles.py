"""Quantiles of durations by any grouping, from the summary's sketches.

Nearest rank: the smallest duration that at least p of all durations do not exceed. Each is within
the sketch's relative error of the exact one, and within the true minimum and maximum.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from perfectcv_traffic.analysis.cells import Cells

MINIMUM = 0
MAXIMUM = 1000
"""In thousandths, as all quantiles here are: ranks then come from integers and are exact."""


def quantiles(
    cells: Cells, group: npt.NDArray[np.integer[Any]], permilles: Mapping[str, int]
) -> pd.DataFrame:
    """Quantiles in milliseconds: a row for each group, a column for each name in `permilles`.

    `group` numbers the group of every cell from 0, -1 for none. A group in which nothing was timed
    has NaN.
    """
    grouped = cells.requests.groupby(group)
    lowest = grouped["duration_us_min"].min().drop(index=-1, errors="ignore")
    highest = grouped["duration_us_max"].max().drop(index=-1, errors="ignore")
    ranked = _nearest_ranks(cells.durations, group, list(permilles.values()))
    extremes = {MINIMUM: lowest.to_numpy(), MAXIMUM: highest.to_numpy()}
    return pd.DataFrame(
        {
            name: extremes.get(permille, ranked[:, position]) / 1000
            for position, (name, permille) in enumerate(permilles.items())
        },
        index=lowest.index,
    )


def _nearest_ranks(
    durations: pd.DataFrame, group: npt.NDArray[np.integer[Any]], permilles: list[int]
) -> npt.NDArray[np.float64]:
    """Durations at the given ranks of every group, in microseconds.

    All buckets are put in one order, by group and duration; with the running count over all of
    them, every rank of every group is one binary search.
    """
    groups = int(group.max(initial=-1)) + 1
    of_bucket = group[durations["cell"].to_numpy()]
    order = _order(of_bucket, durations["duration_us"].to_numpy())
    order = order[np.count_nonzero(of_bucket < 0) :]
    running = np.cumsum(durations["count"].to_numpy()[order])
    through = np.searchsorted(of_bucket[order], np.arange(groups), side="right")
    end = np.concatenate(([0], running))[through]
    start = np.concatenate(([0], end))[:-1]
    rank = np.maximum(1, -(-(end - start)[:, None] * np.array(permilles) // 1000))
    value = np.append(durations["duration_us"].to_numpy()[order], np.nan)
    found = value[np.searchsorted(running, start[:, None] + rank)]
    return np.where((end > start)[:, None], found, np.nan)


def _order(
    groups: npt.NDArray[np.integer[Any]], values: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """Positions by group, then by value, as `numpy.lexsort` has them but for equals; faster."""
    by_value = np.argsort(values)
    numbers = groups[by_value] - groups.min(initial=0)
    narrow = numbers.astype(np.min_scalar_type(int(numbers.max(initial=0))))
    return by_value[np.argsort(narrow, kind="stable")]
