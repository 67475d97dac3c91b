"""Who calls: clients by masked token or address, their programs, and the pressure they make."""

from __future__ import annotations

import pandas as pd

from perfectcv_traffic.analysis.counts import ratio
from perfectcv_traffic.analysis.frames import Frames
from perfectcv_traffic.analysis.labels import FAILED

TOP = 20
LIMIT_PER_MINUTE = 100
"""Requests a minute of one client beyond which it would be limited."""


def clients(frames: Frames) -> pd.DataFrame:
    """The clients with most requests; limited is one that was answered 429."""
    table = frames.clients.rename(
        columns={
            "client_identifier": "client",
            "request_count": "requests",
            "is_blocked": "is_limited",
        }
    )
    table = table.assign(
        share_of_requests=table["requests"] / frames.requests["requests"].sum(),
        is_limited=table["is_limited"] == 1,
    )
    shown = ["client", "requests", "share_of_requests", "is_limited", "last_request"]
    return _top(table[shown], "requests", "client")


def client_hours(frames: Frames) -> pd.DataFrame:
    """The busiest clients: their endpoints and hours, the busiest hour, limited windows.

    A window is an hour of one endpoint.
    """
    windows = frames.by_hour().windows
    hours = windows.groupby(["client_identifier", "window_start"], dropna=False)
    by_client = hours["request_count"].sum().groupby("client_identifier")
    grouped = windows.groupby("client_identifier")
    table = pd.DataFrame(
        {
            "requests": grouped["request_count"].sum(),
            "endpoints": grouped["endpoint"].nunique(),
            "active_hours": by_client.size(),
            "peak_per_hour": by_client.max(),
            "limited_windows": grouped["is_blocked"].sum(),
        }
    )
    return _top(table.rename_axis("client").reset_index(), "requests", "client")


def user_agents(frames: Frames) -> pd.DataFrame:
    """The programs that sent most of the latest requests; NA did not say."""
    recent = frames.recent
    failed = recent["status_class"].isin(FAILED).astype("int64")
    counted = recent[["user_agent", "client_ip"]].assign(requests=1, failed=failed)
    grouped = counted.groupby("user_agent", dropna=False)
    table = grouped[["requests", "failed"]].sum()
    table.insert(1, "addresses", grouped["client_ip"].nunique())
    table = table.reset_index()
    table = table.assign(failed_rate=ratio(table.pop("failed"), table["requests"]))
    return _top(table, "requests", "user_agent")


def rate_limit_pressure(frames: Frames, limit: int = LIMIT_PER_MINUTE) -> pd.DataFrame:
    """Clients that would have been refused under `limit` requests a minute (UTC), worst first."""
    recent = frames.recent.dropna(subset="timestamp")
    minutes = recent.groupby(["client", recent["timestamp"].dt.floor("min")]).size()
    over = minutes[minutes > limit].rename("requests").reset_index()
    grouped = over.assign(refused=over["requests"] - limit).groupby("client")
    table = pd.DataFrame(
        {
            "minutes_over_limit": grouped.size(),
            "peak_per_minute": grouped["requests"].max(),
            "would_be_refused": grouped["refused"].sum(),
        }
    )
    return _top(table.reset_index(), "would_be_refused", "client")


def _top(table: pd.DataFrame, measure: str, name: str) -> pd.DataFrame:
    ordered = table.sort_values([measure, name], ascending=[False, True], ignore_index=True)
    return ordered.head(TOP)
