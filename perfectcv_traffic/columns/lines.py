"""Records as columns of numbers: what was said in words is numbered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from perfectcv_traffic import paths
from perfectcv_traffic.columns import durations, times
from perfectcv_traffic.columns.codes import Codes, Integers
from perfectcv_traffic.record import TokenValidity, TrafficLog
from perfectcv_traffic.summary import UNKNOWN, Key

MOST_BYTES = 2**40
"""Of one body: with more, the sum of a million could outgrow 64 bits."""
MOST_SQUARES = 2.0**61
"""The sum of so many squares still fits when as many are added."""


class Shape(NamedTuple):
    """Everything that is counted of a record and takes few different values."""

    method: str | None
    route: str | None
    status: int | None
    validity: TokenValidity | None
    auth: bool | None
    scenario: str | None
    complete: bool | None
    has_null_params: int
    has_null_response: int
    known: int = 1
    """0 when `route` is the normalised path, because no route is known."""

    def cell(self) -> Key:
        """The key of `summary.REQUESTS` without the hour."""
        return (
            self.method or "", self.route or "", self.known,
            UNKNOWN if self.status is None else self.status, str(self.validity or ""),
            UNKNOWN if self.auth is None else int(self.auth), self.scenario or "",
        )  # fmt: skip


class Columns(NamedTuple):
    """A row for each record, an array for each of its facts."""

    shape: Integers
    client: Integers
    path: Integers
    time: Integers
    duration_us: Integers
    square: Integers
    """Of the duration, in thousandths of ms²."""
    request_bytes: Integers
    response_bytes: Integers


class Words:
    """The numbers of what was said in words, the same in any number of columns."""

    def __init__(self) -> None:
        self.shapes: Codes[tuple[Any, ...]] = Codes()
        """By the fields of a `Shape`, the last only if it is not its default."""
        self.clients: Codes[str] = Codes()
        self.paths: Codes[str] = Codes()

    def columns(self, records: Sequence[TrafficLog]) -> Columns | None:
        """Columns of records; None if there is something unusual among them.

        A pass over the records for each fact is faster than one for all of them.
        """
        time, numbers = times.encoded([r.timestamp for r in records]), _numbers(records)
        if time is None or numbers is None:
            return None
        shapes = [
            (
                r.method, r.route, r.status_code, r.token_validity, r.auth_required, r.scenario,
                r.complete, r.null_params_count and 1, r.null_response_count and 1,
            )
            if r.route is not None else _unmatched(r)
            for r in records
        ]  # fmt: skip
        clients = [r.api_token or r.client_ip or "unknown" for r in records]
        count = len(records)
        return Columns(
            self.shapes.of(shapes, count),
            self.clients.of(clients, count),
            self.paths.of([record.path for record in records], count),
            time,
            *numbers,
        )


def _unmatched(r: TrafficLog) -> tuple[Any, ...]:
    """The shape of a record without a route."""
    return (
        r.method, paths.template(r.path), r.status_code, r.token_validity, r.auth_required,
        r.scenario, r.complete, r.null_params_count and 1, r.null_response_count and 1, 0,
    )  # fmt: skip


def _numbers(records: Sequence[TrafficLog]) -> tuple[Integers, ...] | None:
    try:
        duration = durations.microseconds(_floats([r.response_time_ms for r in records]))
        sizes = [
            _sizes([r.request_bytes for r in records]),
            _sizes([r.response_bytes for r in records]),
        ]
    except (TypeError, ValueError, OverflowError):
        return None
    if duration is None or sizes[0] is None or sizes[1] is None:
        return None
    square = durations.squares(duration)
    if square.sum(dtype=np.float64) > MOST_SQUARES:
        return None
    return duration, square, sizes[0], sizes[1]


def _floats(values: Sequence[float | None]) -> npt.NDArray[np.float64]:
    """Numbers, NaN for None."""
    return np.array(values, dtype=np.float64)


def _sizes(values: Sequence[int | None]) -> Integers | None:
    found = np.nan_to_num(_floats(values))
    if np.abs(found).max(initial=0) > MOST_BYTES:
        return None
    return found.astype(np.int64)
