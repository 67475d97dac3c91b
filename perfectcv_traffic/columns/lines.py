"""Records as columns of numbers: what was said in words is numbered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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

Floats = npt.NDArray[np.float64]


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

    def endpoint(self) -> str:
        """The endpoint in the key of `summary.CLIENTS`."""
        return paths.endpoint(self.route or "", self.known, self.status)


class Facts(NamedTuple):
    """What is counted of some records, nothing unusual: the records themselves can be let go."""

    shape: Integers
    client: Integers
    path: Integers
    times: bytes
    """As `times.joined` has them."""
    milliseconds: Floats
    request_bytes: Floats
    response_bytes: Floats


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

    @classmethod
    def of(cls, found: Iterable[Facts]) -> Columns:
        """The columns of some facts and more of them: few calls for many rows."""
        shape, client, path, joined, milliseconds, *sizes = zip(*found, strict=True)
        duration = durations.microseconds(np.concatenate(milliseconds))
        return cls(
            np.concatenate(shape),
            np.concatenate(client),
            np.concatenate(path),
            times.encoded(b"".join(joined)),
            duration,
            durations.squares(duration),
            _whole(sizes[0]),
            _whole(sizes[1]),
        )


class Words:
    """The numbers of what was said in words, the same in any number of columns."""

    def __init__(self) -> None:
        self.shapes: Codes[tuple[Any, ...]] = Codes()
        """By the fields of a `Shape`, the last only if it is not its default."""
        self.clients: Codes[str] = Codes()
        self.paths: Codes[str] = Codes()

    def facts(self, records: Sequence[TrafficLog]) -> Facts | None:
        """Facts of records; None if there is something unusual among them.

        A pass over the records for each fact is faster than one for all of them.
        """
        joined, numbers = times.joined([r.timestamp for r in records]), _numbers(records)
        if joined is None or numbers is None:
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
        return Facts(
            self.shapes.of(shapes, count),
            self.clients.of(clients, count),
            self.paths.of([r.path for r in records], count),
            joined,
            *numbers,
        )


def _unmatched(r: TrafficLog) -> tuple[Any, ...]:
    """The shape of a record without a route."""
    return (
        r.method, paths.template(r.path), r.status_code, r.token_validity, r.auth_required,
        r.scenario, r.complete, r.null_params_count and 1, r.null_response_count and 1, 0,
    )  # fmt: skip


def _numbers(records: Sequence[TrafficLog]) -> tuple[Floats, Floats, Floats] | None:
    """Duration and sizes, NaN for what is not recorded; None if one of them is too large."""
    try:
        milliseconds = np.array([r.response_time_ms for r in records], np.float64)
        request_bytes = np.array([r.request_bytes for r in records], np.float64)
        response_bytes = np.array([r.response_bytes for r in records], np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    are_small = all(_largest(sizes) <= MOST_BYTES for sizes in (request_bytes, response_bytes))
    if not are_small or durations.most_squares(milliseconds) > MOST_SQUARES:
        return None
    return milliseconds, request_bytes, response_bytes


def _whole(sizes: Iterable[Floats]) -> Integers:
    """Sizes as integers; 0 for what is not recorded."""
    found: Integers = np.nan_to_num(np.concatenate(list(sizes))).astype(np.int64)
    return found


def _largest(numbers: Floats) -> float:
    return float(np.fmax.reduce(np.abs(numbers), initial=0))
