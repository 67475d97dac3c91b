"""Which endpoints the traffic goes to."""

from __future__ import annotations

import pandas as pd

from perfectcv_traffic.analysis.counts import CLASS_COLUMNS, ratio, shares, spread
from perfectcv_traffic.analysis.durations import duration_statistics
from perfectcv_traffic.analysis.frames import Frames

TOP = 10


def top_endpoints(frames: Frames, limit: int | None = TOP) -> pd.DataFrame:
    """The endpoints with most requests, all of them if `limit` is None.

    Shares and rates are of the endpoint's requests, except `share_of_requests`: of all requests.
    """
    cells = frames.requests
    table = _counted(cells).sort_values(
        ["requests", "endpoint"], ascending=[False, True], ignore_index=True
    )
    table.insert(2, "share_of_requests", shares(table["requests"]))
    table = table.head(len(table) if limit is None else limit)
    position = pd.Index(table["endpoint"]).get_indexer(pd.Index(cells["endpoint"]))
    statistics = duration_statistics(frames, position)
    return table.assign(
        client_error_rate=ratio(table["status_4xx"], table["requests"]),
        server_error_rate=ratio(table["status_5xx"], table["requests"]),
        mean_ms=statistics["mean_ms"],
        p95_ms=statistics["p95_ms"],
    )


def _counted(cells: pd.DataFrame) -> pd.DataFrame:
    classes = spread(cells, "status_class", CLASS_COLUMNS)
    columns = [cells[["endpoint", "requests"]], classes[["status_4xx", "status_5xx"]]]
    counted = pd.concat([*columns, cells["response_bytes"]], axis=1)
    return counted.groupby("endpoint").sum().reset_index()
