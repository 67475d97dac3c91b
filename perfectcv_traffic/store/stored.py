"""Rows of `api_requests` as records again: for rebuilding and merging summaries."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from perfectcv_traffic.record import NullDetail, TokenValidity, TrafficLog

BATCH = 5000

_SUMMARISED = (
    "timestamp", "method", "path", "route", "status_code", "token_validity", "auth_required",
    "scenario", "null_params_count", "null_params_details", "null_response_count",
    "null_response_details", "complete", "request_bytes", "response_bytes", "response_time_ms",
    "api_token", "client_ip",
)  # fmt: skip
"""All that a summary reads of a record."""

_details = msgspec.json.Decoder(list[NullDetail]).decode


def batches(connection: sqlite3.Connection, where: str = "1") -> Iterator[list[TrafficLog]]:
    """Records of all stored rows for which a condition holds, as far as a summary reads them."""
    last = -1
    query = (
        f"SELECT id, {', '.join(_SUMMARISED)} FROM api_requests"
        f" WHERE id > ? AND {where} ORDER BY id LIMIT {BATCH}"
    )
    while rows := connection.execute(query, (last,)).fetchall():
        last = rows[-1][0]
        yield [summarised(row[1:]) for row in rows]


def summarised(values: Sequence[Any]) -> TrafficLog:
    """The record of a row, as far as a summary reads it."""
    known = dict(zip(_SUMMARISED, values, strict=True))
    for name in ("auth_required", "complete"):
        known[name] = None if known[name] is None else bool(known[name])
    for name in ("null_params_details", "null_response_details"):
        known[name] = _details(known[name]) if known[name] and known[name] != "[]" else []
    if known["token_validity"] is not None:
        known["token_validity"] = TokenValidity(known["token_validity"])
    return TrafficLog(request_id="", **known)


def columns() -> tuple[str, ...]:
    """The columns that `summarised` takes, in order."""
    return _SUMMARISED
