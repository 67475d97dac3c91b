"""This traffic against earlier traffic, endpoint by endpoint."""

from __future__ import annotations

import pandas as pd

from perfectcv_traffic.analysis.columnar import typed_frame
from perfectcv_traffic.analysis.counts import ratio
from perfectcv_traffic.analysis.endpoints import every_endpoint
from perfectcv_traffic.analysis.frames import Frames

_MEASURES = ("requests", "timed", "p95_ms", "server_error_rate")
_COLUMNS = {
    "endpoint": "string[python]",
    "requests": "int64",
    "requests_before": "int64",
    "p95_ms": "float64",
    "p95_before_ms": "float64",
    "p95_ratio": "float64",
    "server_error_rate": "float64",
    "server_error_rate_before": "float64",
}


def comparison(frames: Frames) -> pd.DataFrame:
    """Requests, p95 and 5xx rate now and before, the p95 that grew most first.

    Empty when there is nothing to compare with; an endpoint may be new, or gone.
    """
    return compared(frames)[list(_COLUMNS)]


def compared(frames: Frames) -> pd.DataFrame:
    """The same with the number of timed requests on both sides."""
    columns = {**_COLUMNS, "timed": "int64", "timed_before": "int64"}
    if frames.previous is None:
        return typed_frame(columns, ())
    now, before = (_measured(one) for one in (frames, frames.previous))
    before.columns = pd.Index([f"{name}_before" for name in before.columns])
    table = now.join(before, how="outer").rename_axis("endpoint").reset_index()
    table = table.rename(columns={"p95_ms_before": "p95_before_ms"})
    for name in ("requests", "requests_before", "timed", "timed_before"):
        table[name] = table[name].fillna(0).astype("int64")
    table["p95_ratio"] = ratio(table["p95_ms"], table["p95_before_ms"])
    return table.sort_values(["p95_ratio", "endpoint"], ascending=[False, True], ignore_index=True)


def _measured(frames: Frames) -> pd.DataFrame:
    return every_endpoint(frames).set_index("endpoint")[list(_MEASURES)]
