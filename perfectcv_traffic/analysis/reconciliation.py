"""What each run of `generate` sent against what the recorder saw of it."""

from __future__ import annotations

import pandas as pd

from perfectcv_traffic.analysis.frames import Frames


def reconciliation(frames: Frames) -> pd.DataFrame:
    """Requests by run, the last one first: sent, recorded, missing, recorded but never sent."""
    runs = frames.runs
    table = runs.assign(missing=runs["sent"] - runs["recorded"])
    return (
        table[["run_id", "sent", "recorded", "missing", "unexpected"]]
        .iloc[::-1]
        .reset_index(drop=True)
    )
