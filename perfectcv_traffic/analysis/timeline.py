"""Traffic, errors and latency over time, by the hour."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perfectcv_traffic.analysis.counts import CLASS_COLUMNS, ratio, spread
from perfectcv_traffic.analysis.durations import PERMILLES
from perfectcv_traffic.analysis.frames import Frames
from perfectcv_traffic.analysis.quantiles import quantiles

QUANTILES = {name: PERMILLES[name] for name in ("p50_ms", "p95_ms", "p99_ms", "max_ms")}


def traffic_over_time(frames: Frames) -> pd.DataFrame:
    """Requests of every UTC hour that had any, by status class; an unknown hour comes last."""
    cells = frames.by_hour().requests
    classes = spread(cells, "status_class", CLASS_COLUMNS)
    counted = pd.concat([cells[["hour", "requests"]], classes], axis=1)
    table = counted.groupby("hour", dropna=False).sum().reset_index()
    return table.assign(
        client_error_rate=ratio(table["status_4xx"], table["requests"]),
        server_error_rate=ratio(table["status_5xx"], table["requests"]),
    )


def latency_over_time(frames: Frames) -> pd.DataFrame:
    """Quantiles of the durations of every hour in which a request was timed."""
    cells = frames.by_hour()
    hours = cells.requests.groupby("hour", dropna=False)
    table = quantiles(cells, hours.ngroup().to_numpy(dtype=np.int64), QUANTILES)
    table.insert(0, "hour", hours.size().index)
    table.insert(1, "timed", hours["timed"].sum().to_numpy())
    return table[table["timed"] > 0].reset_index(drop=True)
