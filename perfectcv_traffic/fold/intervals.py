"""Sets of whole numbers as intervals: what a counter gave is few of them, however long it ran."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Intervals(NamedTuple):
    """Numbers from each start up to, not including, its end; in order, apart from each other."""

    starts: Integers
    ends: Integers

    @classmethod
    def of(cls, numbers: Integers) -> Intervals:
        """The intervals of numbers in ascending order, none twice."""
        borders = np.flatnonzero(np.diff(numbers) != 1) + 1
        starts = numbers[np.concatenate(([0], borders))]
        return cls(starts, numbers[np.concatenate((borders - 1, [len(numbers) - 1]))] + 1)

    def has(self, numbers: Integers) -> Flags:
        """Which of the numbers are in the set."""
        place = np.searchsorted(self.starts, numbers, side="right") - 1
        return (place >= 0) & (numbers < self.ends[place])

    def meets(self, other: Intervals) -> bool:
        """Whether any number is in both."""
        place = np.searchsorted(self.ends, other.starts, side="right")
        is_before_the_end = place < len(self.starts)
        candidates = self.starts[np.minimum(place, len(self.starts) - 1)]
        return bool((is_before_the_end & (candidates < other.ends)).any())

    def union(self, other: Intervals) -> Intervals:
        """Numbers in either of two sets."""
        starts = np.concatenate((self.starts, other.starts))
        order = np.argsort(starts)
        starts = starts[order]
        ends = np.maximum.accumulate(np.concatenate((self.ends, other.ends))[order])
        is_gap = ends[:-1] < starts[1:]
        return Intervals(
            starts[np.concatenate(([True], is_gap))], ends[np.concatenate((is_gap, [True]))]
        )
