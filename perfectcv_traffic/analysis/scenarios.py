"""How the scenarios of generated traffic were answered."""

from __future__ import annotations

import pandas as pd

from perfectcv_traffic.analysis.counts import CLASS_COLUMNS, spread
from perfectcv_traffic.analysis.frames import Frames


def scenarios(frames: Frames) -> pd.DataFrame:
    """Requests by scenario and status class; ordinary traffic (scenario NA) comes last."""
    cells = frames.requests
    classes = spread(cells, "status_class", CLASS_COLUMNS)
    counted = pd.concat([cells[["scenario", "requests"]], classes], axis=1)
    return counted.groupby("scenario", dropna=False).sum().reset_index()
