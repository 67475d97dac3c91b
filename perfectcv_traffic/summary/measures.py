"""How values of a measure merge: sums that stop at `LARGEST_SUM`, minima, maxima and sketches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from perfectcv_traffic.summary.tables import LARGEST_SUM, Merge


def added(left: int, right: int) -> int:
    """The sum of two values."""
    total = left + right
    return total if total < LARGEST_SUM else LARGEST_SUM


def summed(values: Iterable[int]) -> int:
    """The sum of any number of values."""
    return min(sum(values), LARGEST_SUM)


def _add_counts(left: dict[int, int], right: dict[int, int]) -> dict[int, int]:
    total = dict(left)
    for index, count in right.items():
        total[index] = total.get(index, 0) + count
    return total


def _total_counts(parts: Iterable[Mapping[int, int]]) -> dict[int, int]:
    merged: defaultdict[int, int] = defaultdict(int)
    for part in parts:
        for index, count in part.items():
            merged[index] += count
    return dict(merged)


MERGES: dict[Merge | None, Callable[[Any, Any], Any]] = {
    "sum": added,
    "min": min,
    "max": max,
    "sketch": _add_counts,
}
"""What two values become."""

TOTALS: dict[Merge | None, Callable[[Any], Any]] = {
    "sum": summed,
    "min": min,
    "max": max,
    "sketch": _total_counts,
}
"""What any number of values become, at least one."""
