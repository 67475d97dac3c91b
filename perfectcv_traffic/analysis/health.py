"""Whether the recorder and ingest can be trusted to have seen everything."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from perfectcv_traffic.analysis.frames import UTC, Frames


def health(frames: Frames) -> pd.DataFrame:
    """One row: lines ingested, rejected, duplicate; records dropped; first and last request."""
    row = pd.DataFrame([asdict(frames.health)])
    for column in ("first_request", "last_request"):
        times = pd.to_datetime(row[column], utc=True, errors="coerce", format="ISO8601")
        row[column] = times.astype(UTC)
    return row
