"""The table `tables.REQUESTS` as columns, and what is told of it without a row for each cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

import numpy as np

from perfectcv_traffic.columns import times
from perfectcv_traffic.columns.cells import Cells, collected, concatenated, of_rows
from perfectcv_traffic.columns.codes import Codes, Integers, dense, narrow, wide
from perfectcv_traffic.columns.lines import Columns, Shape
from perfectcv_traffic.summary.sketch import unpack
from perfectcv_traffic.summary.tables import REQUESTS, UNKNOWN, Key, Row

_MERGE_FROM = 2**20
"""Buckets of sketches from which on it is worth looking for equal cells: they take 24 MB."""
_KEYS = tuple(column.name for column in REQUESTS.keys)
_MEASURES = tuple(column.name for column in REQUESTS.measures)
_ONE_HOUR = 126_01_01_00
"""Any hour."""


def _same(name: Key) -> Key:
    return name


def _of_one_endpoint(name: Key) -> Key:
    _, _, _, status, validity, _, _ = name
    return "", "", 1, int(status) // 100 * 100, validity, UNKNOWN, ""


def _without_sketches(cells: Cells) -> Cells:
    return cells._replace(owner=cells.owner[:0], bucket=cells.bucket[:0], times=cells.times[:0])


class Requests:
    """Requests by hour and everything else that is a key of the table."""

    def __init__(self) -> None:
        self._names: Codes[Key] = Codes()
        """Keys without the hour."""
        self._merged: list[Cells] = []
        """At most one, its cells in the order of their keys, none twice."""
        self._parts: list[Cells] = []

    def add(self, columns: Columns, shapes: Sequence[Shape], hour: Integers) -> None:
        """Add rows up; `hour` is that of each."""
        names = self._names.of(shape.cell() for shape in shapes)
        self._take([of_rows(columns, shapes, names, hour)])

    def _take(self, parts: Sequence[Cells]) -> None:
        self._parts += parts
        unmerged = sum(len(part.bucket) for part in self._parts)
        if unmerged > max([_MERGE_FROM, *(len(merged.bucket) for merged in self._merged)]):
            self.settle()

    def __getstate__(self) -> dict[str, Any]:
        self.settle()
        return {**self.__dict__, "_merged": [cells.each(narrow) for cells in self._merged]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._merged = [cells.each(wide) for cells in self._merged]

    def settle(self) -> None:
        """Make equal cells one and put all in the order of their keys."""
        if not self._parts:
            return
        names = list(self._names)
        order = sorted(range(len(names)), key=names.__getitem__)
        rank = np.empty(len(names), dtype=np.int64)
        rank[order] = np.arange(len(names))
        self._names = Codes()
        self._names.of(names[place] for place in order)
        cells = concatenated([*self._merged, *self._parts])
        self._merged = [collected(cells._replace(name=rank[cells.name]))]
        self._parts = []

    def merge(self, other: Self) -> None:
        """Merge another table in."""
        names = self._names.of(other._names)
        parts = (*other._merged, *other._parts)
        self._take([part._replace(name=names[part.name]) for part in parts])

    def rows(self, wanted: Sequence[str] = REQUESTS.columns) -> list[Row]:
        """Some columns of the rows, ordered by key."""
        self.settle()
        if not self._merged:
            return []
        (cells,), names = self._merged, list(self._names)
        hours, of_cell = dense(cells.hour)
        texts = times.hour_texts(hours)
        columns: dict[str, Callable[[], Iterable[Any]]] = {
            name: self._of_name(cells, names, place) for place, name in enumerate(_KEYS[1:])
        }
        columns[_KEYS[0]] = lambda: map(texts.__getitem__, of_cell.tolist())
        for name, measure in zip(_MEASURES, cells.measures, strict=False):
            columns[name] = measure.tolist
        columns[_MEASURES[-1]] = cells.packed
        return list(zip(*(columns[name]() for name in wanted), strict=True))

    @staticmethod
    def _of_name(
        cells: Cells, names: Sequence[Key], place: int
    ) -> Callable[[], Iterable[int | str]]:
        return lambda: map([name[place] for name in names].__getitem__, cells.name.tolist())

    def cells(self) -> dict[Key, list[Any]]:
        """Measures by key, as `Summary.cells` gives them."""
        width = len(_KEYS)
        return {row[:width]: [*row[width:-1], unpack(row[-1])] for row in self.rows()}  # type: ignore[arg-type,misc]

    def for_endpoints(self) -> dict[Key, list[Any]]:
        """Cells from which `overview.ENDPOINTS` is the same as from all: of one hour."""
        return self._reduced(lambda cells: cells._replace(hour=np.full_like(cells.hour, _ONE_HOUR)))

    def for_hours(self) -> dict[Key, list[Any]]:
        """Cells from which `overview.HOURS` is the same as from all: of one endpoint."""
        return self._reduced(_without_sketches, _of_one_endpoint)

    def _reduced(
        self, to_cells: Callable[[Cells], Cells], to_name: Callable[[Key], Key] = _same
    ) -> dict[Key, list[Any]]:
        reduced = Requests()
        names = reduced._names.of(map(to_name, self._names))
        for cells in (*self._merged, *self._parts):
            reduced._parts.append(to_cells(cells._replace(name=names[cells.name])))
        return reduced.cells()
