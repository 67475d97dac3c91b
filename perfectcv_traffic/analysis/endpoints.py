"""Which endpoints the traffic goes to, which take the time, which fail."""

from __future__ import annotations

import pandas as pd

from perfectcv_traffic.analysis.counts import CLASS_COLUMNS, ratio, shares, spread
from perfectcv_traffic.analysis.durations import duration_statistics
from perfectcv_traffic.analysis.frames import Frames
from perfectcv_traffic.analysis.sums import summed_by

TOP = 10
_DURATIONS = ["timed", "total_ms", "mean_ms", "p95_ms"]
_ERRORS = ["status_4xx", "client_error_rate", "status_5xx", "server_error_rate", "no_response"]
_FAILED = ["status_4xx", "status_5xx", "no_response"]


def every_endpoint(frames: Frames) -> pd.DataFrame:
    """All endpoints, those with most requests first; several analyses read them.

    Shares and rates are of the endpoint's requests, except `share_of_requests`: of all requests.
    """
    return frames.once(_every_endpoint)


def _every_endpoint(frames: Frames) -> pd.DataFrame:
    cells = frames.requests
    table = _counted(cells).sort_values(
        ["requests", "endpoint"], ascending=[False, True], ignore_index=True
    )
    table.insert(2, "share_of_requests", shares(table["requests"]))
    position = pd.Index(table["endpoint"]).get_indexer(pd.Index(cells["endpoint"]))
    statistics = duration_statistics(frames, position)
    return table.assign(
        client_error_rate=ratio(table["status_4xx"], table["requests"]),
        server_error_rate=ratio(table["status_5xx"], table["requests"]),
        **{name: statistics[name] for name in _DURATIONS},
    )


def top_endpoints(frames: Frames, limit: int | None = TOP) -> pd.DataFrame:
    """The endpoints with most requests, all of them if `limit` is None."""
    table = every_endpoint(frames).drop(columns=["timed", "total_ms"])
    return table.head(len(table) if limit is None else limit)


def top_by_total_time(frames: Frames) -> pd.DataFrame:
    """The endpoints on which most time was spent, and their share of all of it."""
    table = every_endpoint(frames)[["endpoint", *_DURATIONS]]
    table.insert(3, "share_of_time", shares(table["total_ms"]))
    return _top(table[table["timed"] > 0], ["total_ms"])


def top_by_p95(frames: Frames) -> pd.DataFrame:
    """The endpoints whose slow answers are slowest."""
    table = every_endpoint(frames)[["endpoint", *_DURATIONS]]
    return _top(table[table["timed"] > 0].drop(columns="total_ms"), ["p95_ms"])


def top_by_error_rate(frames: Frames) -> pd.DataFrame:
    """The endpoints that fail most often: by 5xx, then requests that got no response, then 4xx."""
    table = every_endpoint(frames)[["endpoint", "requests", *_ERRORS]]
    failing = table[table[_FAILED].sum(axis=1) > 0]
    unanswered = ratio(failing["no_response"], failing["requests"])
    measures = ["server_error_rate", "unanswered", "client_error_rate", "requests"]
    return _top(failing.assign(unanswered=unanswered), measures).drop(columns="unanswered")


def _top(table: pd.DataFrame, measures: list[str]) -> pd.DataFrame:
    ascending = [False for _ in measures]
    return table.sort_values(
        [*measures, "endpoint"], ascending=[*ascending, True], ignore_index=True
    ).head(TOP)


def _counted(cells: pd.DataFrame) -> pd.DataFrame:
    classes = spread(cells, "status_class", CLASS_COLUMNS)
    columns = [cells[["endpoint", "requests"]], classes[_FAILED]]
    table = pd.concat(columns, axis=1).groupby("endpoint").sum()
    sizes = summed_by(cells["response_bytes"], cells["endpoint"])
    return table.assign(response_bytes=sizes).reset_index()
