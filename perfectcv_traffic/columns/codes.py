"""Values numbered in the order in which they first come, and rows grouped by such numbers."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from perfectcv_traffic.summary.tables import LARGEST_SUM

Value = TypeVar("Value", bound=Hashable)
Integers = npt.NDArray[np.int64]

_WIDTH = 4
"""Bytes of a number: more texts than these can tell apart fit into no memory."""
_MOST = 2**62
"""Combinations of numbers that fit into one."""
ROOM = 4
"""Places for each row up to which a place for each number costs less than sorting."""
_CLOSE = 2**24
"""Places from which on it is worth looking for those that are empty."""


class Codes(dict[Value, bytes]):
    """The number of each value, as bytes; a new value gets the next number.

    Joining bytes is faster than filling an array with integers.
    """

    def __missing__(self, value: Value) -> bytes:
        number = self[value] = len(self).to_bytes(_WIDTH, sys.byteorder)
        return number

    def joined(self, values: Iterable[Value]) -> bytes:
        """The numbers of values, to be read by `numbers`."""
        return b"".join(map(self.__getitem__, values))

    def of(self, values: Iterable[Value]) -> Integers:
        """The numbers of values."""
        return numbers(self.joined(values))


def numbers(joined: bytes) -> Integers:
    """Joined numbers as an array."""
    return np.frombuffer(joined, np.uint32).astype(np.int64)


def narrow(values: Integers) -> npt.NDArray[Any]:
    """The same values, none negative, in as few bytes as they need: to be sent elsewhere."""
    return values.astype(np.min_scalar_type(int(values.max()))) if len(values) else values


def wide(values: npt.NDArray[Any]) -> Integers:
    """What `narrow` was given."""
    return values.astype(np.int64)


def from_least(values: Integers) -> Integers:
    """Numbers from zero on in the same order, few if the values are close to each other."""
    least, most = int(values.min(initial=_MOST)), int(values.max(initial=0))
    return values - least if most - least < _CLOSE else dense(values)[1]


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
        """The sum of each group, none negative, as `LARGEST_SUM` says."""
        if len(values) * int(values.max(initial=0)) <= LARGEST_SUM:
            return np.add.reduceat(values[self.order], self.starts)
        # 64 bits may not do: Python's integers do.
        sums = np.add.reduceat(values.astype(np.object_)[self.order], self.starts)
        return np.minimum(sums, LARGEST_SUM).astype(np.int64)

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


def summed(values: Integers, times: Integers) -> tuple[Integers, Integers]:
    """The different values from zero on in their order, and the sum of the times of each."""
    if int(values.max(initial=0)) < ROOM * len(values):
        sums = np.bincount(values, times)  # floats, exact for fewer than 2^53 requests
        different = np.flatnonzero(sums)
        return different, sums[different].astype(np.int64)
    order = np.argsort(values, kind="stable")  # parts follow each other: it finds long runs
    ordered = values[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    return ordered[starts], np.add.reduceat(times[order], starts)
