"""Counts of what was seen, and when last: client windows and paths, of which there may be many.

Keys are numbered texts and hours. Numbers belong to one table; merging renumbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from perfectcv_traffic.columns.codes import ROOM, Codes, Integers, from_least, grouped, narrow

_MERGE_FROM = 2**20
"""Rows from which on it is worth looking for equal ones: they take 40 MB."""
_SEND_UP_TO = 2**19
"""Rows up to which sending them all costs less than looking for equal ones."""


class Rows(NamedTuple):
    """A row for each key: its numbers, how often it was seen, when last, whether ever blocked."""

    keys: tuple[Integers, ...]
    times: Integers
    last: Integers
    blocked: Integers

    def each(self, change: Callable[[Integers], Integers]) -> Rows:
        """Every column changed."""
        return Rows(tuple(map(change, self.keys)), *map(change, self[1:]))


def _all(rows: Rows) -> Rows:
    return rows


class Seen:
    """A table of rows, those of equal keys merged."""

    def __init__(self, texts: Sequence[Codes[str]]) -> None:
        """`texts` number the first keys; a further key is a number itself."""
        self._texts = texts
        self._merged: list[Rows] = []
        """At most one, each key once."""
        self._parts: list[Rows] = []
        self._unmerged = 0
        """Rows of the parts."""

    def add(self, *parts: Rows) -> None:
        """Merge rows in, of which several may have the same key."""
        self._parts += parts
        self._unmerged += sum(len(part.times) for part in parts)
        if self._unmerged > max([_MERGE_FROM, *(len(merged.times) for merged in self._merged)]):
            self.rows()

    def __getstate__(self) -> dict[str, Any]:
        if self._unmerged > _SEND_UP_TO:
            self.rows()
        narrow_parts = [rows.each(narrow) for rows in (*self._merged, *self._parts)]
        unmerged = sum(len(part.times) for part in narrow_parts)
        sent = {"_merged": [], "_parts": narrow_parts, "_unmerged": unmerged}
        return {**self.__dict__, **sent}

    def rows(self) -> Rows | None:
        """All rows, each key once, in no order; None if there are none."""
        if self._parts:
            found = self.parts()
            self._merged = [] if found is None else [collected(found)]
            self._parts, self._unmerged = [], 0
        return self._merged[0] if self._merged else None

    def parts(self, choose: Callable[[Rows], Rows] = _all) -> Rows | None:
        """Chosen rows, of which several may have the same key; None if there are none at all.

        That costs next to nothing, where `rows` sorts them all.
        """
        parts = list(map(choose, [*self._merged, *self._parts]))
        return _concatenated(parts) if parts else None

    def merge(self, other: Self) -> None:
        """Merge another table in."""
        texts = zip(self._texts, other._texts, strict=True)
        places = [narrow(own.of(theirs)) for own, theirs in texts]
        self.add(
            *(
                rows._replace(keys=(*map(_at, rows.keys, places), *rows.keys[len(places) :]))
                for rows in (*other._merged, *other._parts)
            )
        )

    def texts(self, key: int) -> list[str]:
        """The texts that the numbers of a key stand for."""
        return list(self._texts[key])


def collected(rows: Rows) -> Rows:
    """Rows with equal keys as one."""
    if len(rows.keys) == 1 and rows.keys[0].max(initial=0) < ROOM * len(rows.times):
        return _tallied(rows)
    groups = grouped(*map(from_least, rows.keys))
    return Rows(
        tuple(key[groups.first] for key in rows.keys),
        groups.sum(rows.times),
        groups.max(rows.last),
        groups.max(rows.blocked),
    )


def _tallied(rows: Rows) -> Rows:
    """Rows of one key, of which there is at least one: a place for each number."""
    (key,) = rows.keys
    total = Rows((), *(np.zeros(key.max() + 1, np.int64) for _ in rows[1:]))
    np.add.at(total.times, key, rows.times)
    np.maximum.at(total.last, key, rows.last)
    np.maximum.at(total.blocked, key, rows.blocked)
    seen = np.flatnonzero(total.times)
    return taken(total._replace(keys=(np.arange(len(total.times)),)), seen)


def _concatenated(parts: Sequence[Rows]) -> Rows:
    keys = tuple(map(_joined, zip(*(part.keys for part in parts), strict=True)))
    return Rows(
        keys,
        _joined([part.times for part in parts]),
        _joined([part.last for part in parts]),
        _joined([part.blocked for part in parts]),
    )


def _at(key: Integers, places: Integers) -> Integers:
    return places[key]


def _joined(columns: Sequence[Integers]) -> Integers:
    """Columns, some of them narrow, as one that is not."""
    return np.concatenate(columns, dtype=np.int64, casting="unsafe")


def taken(rows: Rows, places: Integers) -> Rows:
    """The rows at some places, in their order."""
    keys = tuple(key[places] for key in rows.keys)
    return Rows(keys, rows.times[places], rows.last[places], rows.blocked[places])
