"""Results for programs: summary.json. The same results and time give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
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
    results: Mapping[str, pd.DataFrame], *, generated_at: datetime, version: str
) -> str:
    """Every result in full: unrounded, unknown values null, times in ISO 8601 UTC."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "perfectcv-traffic", "version": version},
        "generated_at": _plain(generated_at),
        "data": {
            column: _plain(results[name][column].iloc[0])
            for name, columns in DATA.items()
            for column in columns
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


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    names = [str(name) for name in frame.columns]
    columns = [[_plain(value) for value in frame[name]] for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _plain(value: Any) -> Any:
    """A value as JSON has it; text stays whole, json escapes whatever is not ASCII."""
    if pd.isna(value):
        return None
    if isinstance(value, datetime):
        utc = value.astimezone(UTC).replace(tzinfo=None)
        return utc.isoformat(timespec="seconds") + "Z"
    return value.item() if hasattr(value, "item") else value
