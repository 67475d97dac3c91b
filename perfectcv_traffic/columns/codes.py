"""Values numbered in the order in which they first come, and rows grouped by such numbers."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

Value = TypeVar("Value", bound=Hashable)
Integers = npt.NDArray[np.int64]

_MOST = 2**62
"""Combinations of numbers that fit into one."""


class Codes(dict[Value, int]):
    """The number of each value; a new value gets the next number."""

    def __missing__(self, value: Value) -> int:
        number = self[value] = len(self)
        return number

    def of(self, values: Iterable[Value], count: int) -> Integers:
        """The numbers of so many values."""
        return np.fromiter(map(self.__getitem__, values), np.int64, count)


class Groups(NamedTuple):
    """Rows with equal numbers, group after group."""

    order: Integers
    """The rows in the order of their groups."""
    starts: Integers
    """Where in that order each group begins; empty without rows."""

    @property
    def first(self) -> Integers:
        """One row of each group."""
        return self.order[self.starts]

    def sizes(self) -> Integers:
        """Rows of each group."""
        return np.diff(self.starts, append=len(self.order))

    def sum(self, values: Integers) -> Integers:
        """The sum of each group; the caller sees to it that it fits."""
        return np.add.reduceat(values[self.order], self.starts)

    def min(self, values: Integers) -> Integers:
        """The least of each group."""
        return np.minimum.reduceat(values[self.order], self.starts)

    def max(self, values: Integers) -> Integers:
        """The greatest of each group."""
        return np.maximum.reduceat(values[self.order], self.starts)

    def numbers(self) -> Integers:
        """The group of each row."""
        numbers = np.empty(len(self.order), dtype=np.int64)
        numbers[self.order] = np.repeat(np.arange(len(self.starts)), self.sizes())
        return numbers


def grouped(*columns: Integers) -> Groups:
    """Rows grouped by columns of numbers from zero on, ordered by the first, then the second."""
    key, different = columns[0], int(columns[0].max(initial=0)) + 1
    for column in columns[1:]:
        width = int(column.max(initial=0)) + 1
        if different * width > _MOST:
            key = dense(key)[1]
            different = len(key)
        key, different = key * width + column, different * width
    order = np.argsort(key)
    ordered = key[order]
    return Groups(order, np.flatnonzero(np.diff(ordered, prepend=-1)))


def dense(values: Integers) -> tuple[Integers, Integers]:
    """The different values in their order, and the place of each value among them."""
    found, _ = counted(values)
    return found, np.searchsorted(found, values)


def counted(values: Integers) -> tuple[Integers, Integers]:
    """The different values from zero on in their order, and how often each comes.

    As `numpy.unique`, which loads `numpy.ma`: as long as 30,000 lines take.
    """
    ordered = np.sort(values)
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    return ordered[starts], np.diff(starts, append=len(ordered))
