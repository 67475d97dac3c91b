"""What each run of `generate` sent against what the recorder saw of it."""

from __future__ import annotations

import pandas as pd

from perfectcv_traffic.analysis.frames import Frames


def reconciliation(frames: Frames) -> pd.DataFrame:
    """Requests by run, the last one first: sent, recorded, missing, recorded but never sent.

    What `prune` took away was recorded, too; `pruned` says how many of these there are.
    """
    runs = frames.runs
    recorded = runs["recorded"] + runs["pruned"]
    table = runs.assign(recorded=recorded, missing=runs["sent"] - recorded)
    return (
        table[["run_id", "sent", "recorded", "pruned", "missing", "unexpected"]]
        .iloc[::-1]
        .reset_index(drop=True)
    )
