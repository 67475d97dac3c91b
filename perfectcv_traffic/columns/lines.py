"""Records as columns of numbers: what was said in words is numbered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from perfectcv_traffic import paths
from perfectcv_traffic.columns import durations, times
from perfectcv_traffic.columns.codes import Codes, Integers, Value
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
    known: int
    """0 when `route` is the normalised path, because no route is known."""
    status: int | None
    validity: TokenValidity | None
    auth: bool | None
    scenario: str | None
    complete: bool | None
    has_null_params: bool
    has_null_response: bool

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


class Words:
    """The numbers of what was said in words, the same in any number of columns."""

    def __init__(self) -> None:
        self.shapes: Codes[tuple[Any, ...]] = Codes()
        """By the fields of a `Shape`."""
        self.clients: Codes[str] = Codes()
        self.paths: Codes[str] = Codes()


class Facts:
    """What is counted of records, fact by fact: the records themselves can be let go.

    Words are numbered at once, as long as the processor has them at hand.
    """

    def __init__(self, words: Words) -> None:
        self._words = words
        self._shapes: list[Integers] = []
        self._clients: list[Integers] = []
        self._paths: list[Integers] = []
        self.times: list[str | None] = []
        self.milliseconds: list[float | None] = []
        self.request_bytes: list[int | None] = []
        self.response_bytes: list[int | None] = []

    def add(self, records: Sequence[TrafficLog]) -> None:
        """Take the facts of records: a pass for each is faster than all at once."""
        words, count = self._words, len(records)
        shapes = [
            (
                r.method, r.route, 1, r.status_code, r.token_validity, r.auth_required, r.scenario,
                r.complete, r.null_params_count > 0, r.null_response_count > 0,
            )
            if r.route is not None else _unmatched(r)
            for r in records
        ]  # fmt: skip
        clients = [r.api_token or r.client_ip or "unknown" for r in records]
        self._shapes.append(words.shapes.of(shapes, count))
        self._clients.append(words.clients.of(clients, count))
        self._paths.append(words.paths.of([record.path for record in records], count))
        self.times += [record.timestamp for record in records]
        self.milliseconds += [record.response_time_ms for record in records]
        self.request_bytes += [record.request_bytes for record in records]
        self.response_bytes += [record.response_bytes for record in records]

    def columns(self) -> Columns | None:
        """A row for each record; None if there is something unusual among them."""
        time, numbers = times.encoded(self.times), _numbers(self)
        if time is None or numbers is None:
            return None
        return Columns(
            np.concatenate(self._shapes),
            np.concatenate(self._clients),
            np.concatenate(self._paths),
            time,
            *numbers,
        )

    def records(self) -> Iterator[TrafficLog]:
        """Records with these facts, and without null details."""
        words = self._words
        facts = zip(
            _told(words.shapes, self._shapes), _told(words.clients, self._clients),
            _told(words.paths, self._paths), self.times, self.milliseconds,
            self.request_bytes, self.response_bytes, strict=True,
        )  # fmt: skip
        for shape, client, path, time, milliseconds, request_bytes, response_bytes in facts:
            known = Shape(*shape)
            yield TrafficLog(
                request_id="",
                timestamp=time,
                method=known.method,
                path=path,
                route=known.route if known.known else None,
                request_bytes=request_bytes,
                response_bytes=response_bytes,
                client_ip=client,
                auth_required=known.auth,
                token_validity=known.validity,
                status_code=known.status,
                response_time_ms=milliseconds,
                complete=known.complete,
                null_params_count=int(known.has_null_params),
                null_response_count=int(known.has_null_response),
                scenario=known.scenario,
            )


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


def _unmatched(record: TrafficLog) -> tuple[Any, ...]:
    """The shape of a record that has no route."""
    return (
        record.method, paths.template(record.path), 0, record.status_code, record.token_validity,
        record.auth_required, record.scenario, record.complete,
        record.null_params_count > 0, record.null_response_count > 0,
    )  # fmt: skip


def _told(codes: Codes[Value], numbers: Sequence[Integers]) -> list[Value]:
    """What numbers stand for."""
    values = list(codes)
    return [values[number] for number in np.concatenate(numbers)]


def _numbers(facts: Facts) -> tuple[Integers, ...] | None:
    try:
        duration = durations.microseconds(_floats(facts.milliseconds))
        sizes = [_sizes(facts.request_bytes), _sizes(facts.response_bytes)]
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
