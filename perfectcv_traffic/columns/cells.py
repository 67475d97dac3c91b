"""Cells of `summary.REQUESTS` from columns."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from perfectcv_traffic.columns import durations, times
from perfectcv_traffic.columns.codes import Codes, Groups, counted, grouped
from perfectcv_traffic.columns.lines import Columns, Shape
from perfectcv_traffic.summary import NO_MINIMUM, Key

Integers = npt.NDArray[np.int64]

_BUCKETS = 2**11
"""More than a sketch has."""


def cells(
    columns: Columns, shapes: Sequence[Shape], hours: tuple[Integers, Integers]
) -> Iterator[tuple[Key, list[Any]]]:
    """Keys and measures of the cells that the rows fall into.

    `hours` are the different hours and the place of each row's among them.
    """
    keys: Codes[Key] = Codes()
    cell_of = keys.of(shape.cell() for shape in shapes)
    groups = grouped(hours[1], cell_of[columns.shape])
    names = list(keys)
    hour_names = times.hour_texts(hours[0])
    found = zip(
        hours[1][groups.first].tolist(),
        cell_of[columns.shape[groups.first]].tolist(),
        _measures(columns, shapes, groups),
        _sketches(columns.duration_us, groups),
        strict=True,
    )
    for hour, cell, measures, sketch in found:
        yield (hour_names[hour], *names[cell]), [*measures, sketch]


def _measures(
    columns: Columns, shapes: Sequence[Shape], groups: Groups
) -> Iterator[tuple[int, ...]]:
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
    measures = [groups.sizes(), *map(groups.sum, sums), least, groups.max(known)]
    return zip(*(measure.tolist() for measure in measures), strict=True)


def _sketches(duration: Integers, groups: Groups) -> Iterator[dict[int, int]]:
    """Bucket counts of each group."""
    is_timed = duration >= 0
    numbers = groups.numbers()[is_timed] * _BUCKETS + durations.buckets(duration[is_timed])
    pairs, counts = counted(numbers)
    borders = np.searchsorted(pairs, np.arange(len(groups.starts) + 1) * _BUCKETS).tolist()
    buckets, number_of = (pairs % _BUCKETS).tolist(), counts.tolist()
    for start, end in itertools.pairwise(borders):
        yield dict(zip(buckets[start:end], number_of[start:end], strict=True))
