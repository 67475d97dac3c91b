"""Sums of measures that may be as large as the summary holds: they stop where its sums do."""

from __future__ import annotations

import pandas as pd

from perfectcv_traffic.summary.tables import LARGEST_SUM


def summed(values: pd.Series) -> int:
    """The sum of numbers that are not negative."""
    return int(summed_by(values, pd.Series(0, index=values.index)).sum())


def summed_by(values: pd.Series, key: pd.Series) -> pd.Series:
    """The sum for each key; `int64`, which numpy would let overflow without a word."""
    sums = values.groupby(key).sum()
    inexact = values.astype("float64").groupby(key).sum()
    return sums.where(inexact < LARGEST_SUM, LARGEST_SUM)
