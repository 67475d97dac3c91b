"""Results for programs: summary.json and CSV. The same results and time give the same bytes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from perfectcv_traffic.analysis.catalogue import ANALYSES

SCHEMA_VERSION = 1
"""Raised when a field of the document changes its meaning or goes away."""

DATA = {
    "health": ("first_request", "last_request"),
    "totals": ("first_hour", "last_hour", "requests"),
}
"""What the document says of the data as a whole, by the analysis that says it."""


def summary_json(
    results: Mapping[str, pd.DataFrame],
    *,
    generated_at: datetime,
    version: str,
    filters: Mapping[str, str] | None = None,
) -> str:
    """Every result in full: unrounded, unknown values null, times in ISO 8601 UTC."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "perfectcv-traffic", "version": version},
        "generated_at": plain(generated_at),
        "filters": dict(filters or {}),
        "data": {
            column: plain(results[name][column].iloc[0])
            for name, columns in DATA.items()
            for column in columns
            if name in results
        },
        "analyses": {
            analysis.name: {
                "title": analysis.title,
                "question": analysis.question,
                "rows": _rows(results[analysis.name]),
            }
            for analysis in ANALYSES
            if analysis.name in results
        },
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def csv_text(frame: pd.DataFrame) -> str:
    """A result as CSV (RFC 4180 but for LF) with its column names, its numbers unrounded."""
    rows = ([plain(value) for value in row] for row in frame.itertuples(index=False, name=None))
    return "".join(csv_lines([str(name) for name in frame.columns], rows))


def csv_lines(names: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Lines of CSV; text that a spreadsheet would run as a formula is led by an apostrophe."""
    buffer = io.StringIO()
    # Not the CRLF of RFC 4180: a shell would take the CR for data, Windows would double it.
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_harmless(value) for value in row])
        if buffer.tell() > _CSV_BLOCK:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


_CSV_BLOCK = 65_536
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a cell begins that a spreadsheet takes for a formula, full-width forms included."""


def _harmless(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    names = [str(name) for name in frame.columns]
    columns = [[plain(value) for value in frame[name]] for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def plain(value: Any) -> Any:
    """A value as JSON has it; text stays whole, json escapes whatever is not ASCII."""
    if pd.isna(value):
        return None
    if isinstance(value, datetime):
        utc = value.astimezone(UTC).replace(tzinfo=None)
        return utc.isoformat() + "Z"
    return value.item() if hasattr(value, "item") else value
