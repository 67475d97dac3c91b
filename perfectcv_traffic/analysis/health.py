"""Whether the recorder and ingest can be trusted to have seen everything."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from perfectcv_traffic.analysis.columnar import utc
from perfectcv_traffic.analysis.frames import Frames


def health(frames: Frames) -> pd.DataFrame:
    """One row: lines ingested, rejected, duplicate; records dropped; first and last request."""
    row = pd.DataFrame([asdict(frames.health)])
    for column in ("first_request", "last_request"):
        row[column] = utc(row[column])
    return row
