"""Where nulls are, and what happens to the requests that carry them.

A spot is one field in one place of one endpoint with one kind of null, so that a request counts
once in it. Requests of different spots overlap: a request may carry several nulls.
"""

from __future__ import annotations

import pandas as pd

from perfectcv_traffic.analysis.counts import CLASS_COLUMNS, ratio, spread
from perfectcv_traffic.analysis.frames import Frames
from perfectcv_traffic.summary.overview import OTHER

SPOT = ("method", "route", "endpoint", "source", "location", "field_path", "kind")


def null_hot_spots(frames: Frames) -> pd.DataFrame:
    """Requests and nulls of every spot by status class, most server errors first.

    The lift is how many times as often requests fail 5xx given the null as all of the endpoint do;
    places that were added up as other ones have none.
    """
    table = count_spots(frames.nulls).assign(lift=0.0)
    rate = _failure_rate(frames, table["endpoint"]).mask(table["route"] == OTHER)
    table["lift"] = ratio(table["server_error_rate"], rate)
    return table.drop(columns=["method", "route"]).sort_values(
        ["status_5xx", "requests", *SPOT[2:]],
        ascending=[False, False, *(True for _ in SPOT[2:])],
        ignore_index=True,
    )


def count_spots(cells: pd.DataFrame) -> pd.DataFrame:
    """The spots in the order of their keys, with the share of their requests that failed 5xx."""
    counted = pd.concat(
        [
            cells[[*SPOT, "requests", "occurrences"]],
            spread(cells, "status_class", CLASS_COLUMNS),
        ],
        axis=1,
    )
    table = counted.groupby(list(SPOT), dropna=False).sum().reset_index()
    return table.assign(server_error_rate=ratio(table["status_5xx"], table["requests"]))


def _failure_rate(frames: Frames, endpoints: pd.Series) -> pd.Series:
    """The share of all requests of each endpoint that failed 5xx."""
    cells = frames.requests
    failed = cells["requests"].where(cells["status_class"] == "5xx", 0)
    sums = cells[["endpoint", "requests"]].assign(failed=failed).groupby("endpoint").sum()
    return endpoints.map(ratio(sums["failed"], sums["requests"])).astype("float64")
