"""What `generate` expected against what it got, and whether the recorder saw it."""

from __future__ import annotations

import pandas as pd

from perfectcv_traffic.analysis.counts import ratio
from perfectcv_traffic.analysis.frames import Frames


def expectations(frames: Frames) -> pd.DataFrame:
    """Requests sent by scenario and expectation: as expected, surprising, unanswered, lost."""
    sent = frames.generated
    counted = sent[["scenario", "expected"]].assign(
        sent=1,
        as_expected=sent["as_expected"].eq(1).astype("boolean").fillna(value=False).astype("int64"),
        surprises=sent["as_expected"].eq(0).astype("boolean").fillna(value=False).astype("int64"),
        unanswered=sent["error"].notna().astype("int64"),
        not_recorded=1 - sent["is_recorded"],
    )
    table = counted.groupby(["scenario", "expected"], dropna=False).sum().reset_index()
    return table.assign(surprise_rate=ratio(table["surprises"], table["sent"]))
