"""From rows of `api_requests` to the records of `/admin/request-logs`."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import msgspec

from perfectcv_traffic.admin.moments import shown
from perfectcv_traffic.record import Field, TrafficLog, fields
from perfectcv_traffic.store.schema import DERIVED_COLUMNS

Convert = Callable[[Any], Any]


class Records:
    """Makes records of a model; a field that an older row lacks is None."""

    def __init__(self, model: type[TrafficLog]) -> None:
        converts = {field.name: _convert(field) for field in fields(model)}
        converts["timestamp"] = shown
        self._names = ["id", *converts, *DERIVED_COLUMNS]
        self._converts: dict[str, Convert] = {
            name: convert for name, convert in converts.items() if convert is not None
        } | dict.fromkeys(DERIVED_COLUMNS, bool)

    def all(self, rows: Sequence[sqlite3.Row]) -> list[dict[str, Any]]:
        """A record for each row, ready to be encoded."""
        if not rows:
            return []
        columns = rows[0].keys()
        there = [name for name in self._names if name in columns]
        values = itemgetter(*map(columns.index, there))
        missing = dict.fromkeys(name for name in self._names if name not in columns)
        records = [dict(zip(there, values(tuple(row)), strict=True)) | missing for row in rows]
        for name, convert in self._converts.items():
            for record in records:
                if record[name] is not None:
                    record[name] = convert(record[name])
        return records


def _convert(field: Field) -> Convert | None:
    if field.is_json:
        return _raw
    return bool if field.kind is bool else None


def _raw(text: str) -> msgspec.Raw:
    # It is JSON already: taking it apart to put it together again is most of the work of a page.
    return msgspec.Raw(text.encode())
