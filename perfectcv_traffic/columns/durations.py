"""Durations as whole microseconds, their squares and sketch buckets: exactly as for one record."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from perfectcv_traffic.summary import sketch
from perfectcv_traffic.summary.summary import MAX_DURATION_MS
from perfectcv_traffic.summary.tables import LARGEST_SUM

Integers = npt.NDArray[np.int64]

NONE = -1
"""No duration is recorded."""

_SQUARE_IS_EXACT = 2**26
"""The square of anything below is exact as a float."""
_CLOSE = 1e-9
"""Logarithms of different libraries differ by less than a thousandth of this."""


def microseconds(milliseconds: npt.NDArray[np.float64]) -> Integers:
    """Durations, NONE for what is none."""
    is_duration = (milliseconds >= 0) & (milliseconds <= MAX_DURATION_MS)
    rounded = np.rint(np.where(is_duration, milliseconds, 0) * 1000)
    return np.where(is_duration, rounded, NONE).astype(np.int64)


def squares(durations: Integers) -> Integers:
    """Squares in thousandths of ms², as far as a sum can hold them; 0 for what is none."""
    inexact = np.clip(durations, 0, _SQUARE_IS_EXACT).astype(np.float64)
    found = np.rint(inexact * inexact / 1000).astype(np.int64)
    for place in np.flatnonzero(durations >= _SQUARE_IS_EXACT):
        found[place] = _square(int(durations[place]))
    return found


def _square(duration: int) -> int:
    return min(round(duration * duration / 1000), LARGEST_SUM)


def buckets(durations: Integers) -> Integers:
    """`sketch.bucket` of each duration."""
    logarithms = np.log(np.maximum(durations, 1).astype(np.float64)) / math.log(sketch.GAMMA)
    found = np.ceil(logarithms).astype(np.int64)
    # On the border of a bucket the last digit of the logarithm decides: that of `math` counts.
    is_border = (np.abs(logarithms - np.rint(logarithms)) < _CLOSE) & (durations > 1)
    for place in np.flatnonzero(is_border):
        found[place] = sketch.bucket(int(durations[place]))
    return found
