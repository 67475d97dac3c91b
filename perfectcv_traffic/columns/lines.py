"""Records as columns of numbers: what was said in words is numbered."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from perfectcv_traffic import client_identifier, paths
from perfectcv_traffic.columns import durations, times
from perfectcv_traffic.columns.codes import Codes, Integers, numbers
from perfectcv_traffic.record import MASKED_WHOLE, TokenValidity, TrafficLog
from perfectcv_traffic.summary.tables import UNKNOWN, Key


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
        """The key of `tables.REQUESTS` without the hour."""
        return (
            self.method or "", self.route or "", self.known,
            UNKNOWN if self.status is None else self.status, str(self.validity or ""),
            UNKNOWN if self.auth is None else int(self.auth), self.scenario or "",
        )  # fmt: skip

    def endpoint(self) -> str:
        """The endpoint in the key of `tables.CLIENTS`."""
        return paths.endpoint(self.route or "", self.known, self.status)


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


class Gathered:
    """What is counted of some records, until they are enough: arithmetic is best for many at once.

    The records themselves can be let go.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._shapes: list[bytes] = []
        self._clients: list[bytes] = []
        self._paths: list[bytes] = []
        self._times: list[bytes] = []
        self._milliseconds = array("d")
        self._request_bytes = array("q")
        self._response_bytes = array("q")

    def add(self, records: Sequence[TrafficLog], words: Words) -> bool:
        """Take records in; False, and none is taken, if the time of any is unusual.

        A pass over the records for each fact is faster than one for all of them.
        """
        joined = times.joined([r.timestamp for r in records])
        if joined is None:
            return False
        self.rows += len(records)
        self._times.append(joined)
        self._shapes.append(words.shapes.joined(_shapes(records)))
        self._clients.append(words.clients.joined(_clients(records)))
        self._paths.append(words.paths.joined([r.path for r in records]))
        _extend(self._milliseconds, [r.response_time_ms for r in records], math.nan)
        _extend(self._request_bytes, [r.request_bytes for r in records], 0)
        _extend(self._response_bytes, [r.response_bytes for r in records], 0)
        return True

    def columns(self) -> Columns:
        """A row for each record."""
        duration = durations.microseconds(np.frombuffer(self._milliseconds, np.float64))
        return Columns(
            numbers(b"".join(self._shapes)),
            numbers(b"".join(self._clients)),
            numbers(b"".join(self._paths)),
            times.encoded(b"".join(self._times)),
            duration,
            durations.squares(duration),
            np.frombuffer(self._request_bytes, np.int64),
            np.frombuffer(self._response_bytes, np.int64),
        )


def _clients(records: Iterable[TrafficLog]) -> list[str]:
    """As `client_identifier.of` says; a call for each record would cost more than all of this."""
    return [
        token
        if (token := r.api_token) and token != MASKED_WHOLE
        else r.client_ip or client_identifier.UNKNOWN
        for r in records
    ]


def _shapes(records: Iterable[TrafficLog]) -> list[tuple[Any, ...]]:
    return [
        (
            r.method, r.route, r.status_code, r.token_validity, r.auth_required, r.scenario,
            r.complete, r.null_params_count and 1, r.null_response_count and 1,
        )
        if r.route is not None else _unmatched(r)
        for r in records
    ]  # fmt: skip


def _unmatched(r: TrafficLog) -> tuple[Any, ...]:
    """The shape of a record without a route."""
    return (
        r.method, paths.template(r.path), r.status_code, r.token_validity, r.auth_required,
        r.scenario, r.complete, r.null_params_count and 1, r.null_response_count and 1, 0,
    )  # fmt: skip


def _extend(column: array[Any], values: list[Any], none: float) -> None:
    """Add numbers to a column, `none` for what is not recorded."""
    try:
        column.fromlist(values)
    except TypeError:
        column.fromlist([none if value is None else value for value in values])
