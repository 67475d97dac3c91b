"""Single requests and logins worth a look, among the latest ones."""

from __future__ import annotations

import pandas as pd

from perfectcv_traffic.analysis.frames import Frames
from perfectcv_traffic.analysis.rows import MOST_URLS
from perfectcv_traffic.record import FIRST_ERROR_STATUS

TOP = 10
_SHOWN = ["request_id", "timestamp", "endpoint", "path", "status_code", "duration_ms", "client"]


def slowest_requests(frames: Frames) -> pd.DataFrame:
    """The requests that took longest, the earlier first of equals."""
    slowest = frames.recent["response_time_ms"].dropna().nlargest(TOP, keep="first")
    return _shown(frames.recent.loc[slowest.index], _SHOWN)


def failing_requests(frames: Frames) -> pd.DataFrame:
    """The latest requests that failed 5xx, newest first, and why as far as it was recorded."""
    recent = frames.recent
    failed = recent[recent["status_class"] == "5xx"]
    return _shown(failed.tail(TOP).iloc[::-1], [*_SHOWN, "error_message"])


def uuid_logins(frames: Frames) -> pd.DataFrame:
    """Logins by UUID: how often each, how many were answered below 400, when first and last."""
    logins = frames.recent.dropna(subset="login_uuid")
    # As the store has it: many a login ends in a redirection.
    succeeded = logins["status_code"].lt(FIRST_ERROR_STATUS).fillna(value=False)
    logins = logins.assign(succeeded=succeeded)
    grouped = logins.groupby("login_uuid")
    table = pd.DataFrame(
        {
            "logins": grouped.size(),
            "succeeded": grouped["succeeded"].sum().astype("int64"),
            "addresses": grouped["client_ip"].nunique(),
            "first_login": grouped["timestamp"].min(),
            "last_login": grouped["timestamp"].max(),
        }
    ).reset_index()
    return table.sort_values(
        ["logins", "login_uuid"], ascending=[False, True], ignore_index=True
    ).head(TOP)


def url_accesses(frames: Frames) -> pd.DataFrame:
    """The paths that were requested most, as requested."""
    table = frames.urls[["path", "access_count", "last_accessed"]]
    return table.sort_values(
        ["access_count", "path"], ascending=[False, True], ignore_index=True
    ).head(MOST_URLS)


def _shown(requests: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    renamed = requests.rename(columns={"response_time_ms": "duration_ms"})
    return renamed[columns].reset_index(drop=True)
