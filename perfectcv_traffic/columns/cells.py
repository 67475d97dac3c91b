"""Cells of `tables.REQUESTS` as columns: by hour and everything else, and by parts of that."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from perfectcv_traffic.columns import durations
from perfectcv_traffic.columns.codes import Groups, counted, from_least, grouped, summed
from perfectcv_traffic.columns.lines import Columns, Shape
from perfectcv_traffic.summary.sketch import PAIR
from perfectcv_traffic.summary.tables import NO_MINIMUM, REQUESTS, Row

Integers = npt.NDArray[np.int64]

_BUCKETS = 2**11
"""More than a sketch has."""
_PAIR = np.dtype([("bucket", "<i4"), ("count", "<i8")])
"""`sketch.PAIR` as numpy has it."""
_MERGES = tuple(column.merge for column in REQUESTS.measures[:-1])


class Cells(NamedTuple):
    """Cells in any order, several of which may have the same keys."""

    hour: Integers
    """As `times.PER_HOUR` makes it of a time."""
    name: Integers
    """The number of the rest of the key."""
    measures: tuple[Integers, ...]
    """Those of `REQUESTS` but the sketch."""
    owner: Integers
    """Of each bucket of a sketch, the position of its cell."""
    bucket: Integers
    times: Integers
    """How often a duration fell into the bucket."""

    def packed(self) -> list[bytes]:
        """Each cell's sketch, as `sketch.pack` has it; the buckets are in the order of cells."""
        pairs = np.empty(len(self.bucket), _PAIR)
        pairs["bucket"], pairs["count"] = self.bucket, self.times
        data = pairs.tobytes()
        borders = np.searchsorted(self.owner, np.arange(len(self.hour) + 1)) * PAIR.size
        return [data[start:end] for start, end in itertools.pairwise(borders.tolist())]

    def rows(self) -> list[Row]:
        """Measures of each cell, the sketch packed."""
        columns = (measure.tolist() for measure in self.measures)
        return list(zip(*columns, self.packed(), strict=True))

    def each(self, change: Callable[[Integers], Integers]) -> Cells:
        """Every column changed."""
        measures = tuple(map(change, self.measures))
        sketches = map(change, (self.owner, self.bucket, self.times))
        return Cells(change(self.hour), change(self.name), measures, *sketches)


def of_rows(columns: Columns, shapes: Sequence[Shape], names: Integers, hour: Integers) -> Cells:
    """Cells that rows fall into; `names` has the name of each shape, `hour` that of each row."""
    name = names[columns.shape]
    groups = grouped(from_least(hour), name)
    first, is_timed = groups.first, columns.duration_us >= 0
    pairs = groups.numbers()[is_timed] * _BUCKETS
    pairs, count = counted(pairs + durations.buckets(columns.duration_us[is_timed]))
    measures = _measures(columns, shapes, groups)
    return Cells(hour[first], name[first], measures, pairs // _BUCKETS, pairs % _BUCKETS, count)


def _measures(columns: Columns, shapes: Sequence[Shape], groups: Groups) -> tuple[Integers, ...]:
    flags = [
        np.array(of_shapes, dtype=np.int64)[columns.shape]
        for of_shapes in (
            [shape.has_null_params for shape in shapes],
            [shape.has_null_response for shape in shapes],
            [shape.complete is False for shape in shapes],
        )
    ]
    duration = columns.duration_us
    timed = (duration >= 0).astype(np.int64)
    known = duration * timed
    sums = [*flags, columns.request_bytes, columns.response_bytes, timed, known, columns.square]
    least = groups.min(np.where(duration >= 0, duration, NO_MINIMUM))
    return (groups.sizes(), *map(groups.sum, sums), least, groups.max(known))


def concatenated(parts: Iterable[Cells]) -> Cells:
    """All cells of several, of which there is at least one."""
    found = list(parts)
    if len(found) == 1:
        return found[0]
    starts = itertools.accumulate((len(part.hour) for part in found[:-1]), initial=0)
    owners = [part.owner + start for part, start in zip(found, starts, strict=True)]
    return Cells(
        np.concatenate([part.hour for part in found]),
        np.concatenate([part.name for part in found]),
        tuple(map(np.concatenate, zip(*(part.measures for part in found), strict=True))),
        np.concatenate(owners),
        np.concatenate([part.bucket for part in found]),
        np.concatenate([part.times for part in found]),
    )


def collected(cells: Cells) -> Cells:
    """Cells with equal keys as one, ordered by hour and name; sketches in the order of both."""
    if not len(cells.hour):
        return cells
    groups = grouped(from_least(cells.hour), cells.name)
    of_bucket = groups.numbers()[cells.owner] * _BUCKETS + cells.bucket
    different, times = summed(of_bucket, cells.times)
    first = groups.first
    merged = {"sum": groups.sum, "min": groups.min, "max": groups.max}
    return Cells(
        cells.hour[first],
        cells.name[first],
        tuple(merged[str(how)](m) for how, m in zip(_MERGES, cells.measures, strict=True)),
        different // _BUCKETS,
        different % _BUCKETS,
        times,
    )
