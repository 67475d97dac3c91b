"""Who calls with a token, who without, and what they get.

Traffic of a log that carries no credentials is `not recorded`, never `without token`.
"""

from __future__ import annotations

import pandas as pd

from perfectcv_traffic.analysis.counts import (
    PRESENCE_COLUMNS,
    ratio,
    requests_by,
    requests_for,
    shares,
    spread,
)
from perfectcv_traffic.analysis.frames import Frames
from perfectcv_traffic.analysis.labels import TOKEN_PRESENCES, TOKEN_VALIDITIES
from perfectcv_traffic.record import TokenValidity


def token_presence(frames: Frames) -> pd.DataFrame:
    """Requests with a token, without one, and of which neither is recorded."""
    table = requests_for(frames.requests, "token_presence", TOKEN_PRESENCES)
    return table.assign(share_of_requests=shares(table["requests"]))


def token_validity(frames: Frames) -> pd.DataFrame:
    """Requests by what is known of their token."""
    table = requests_for(frames.requests, "token_validity", TOKEN_VALIDITIES)
    return table.assign(share_of_requests=shares(table["requests"]))


def token_usage_by_hour(frames: Frames) -> pd.DataFrame:
    """Requests of every UTC hour that had any, by token presence; an unknown hour comes last."""
    cells = frames.hours
    counted = pd.concat(
        [cells[["hour", "requests"]], spread(cells, "token_presence", PRESENCE_COLUMNS)], axis=1
    )
    table = counted.groupby("hour", dropna=False).sum().reset_index()
    recorded = table["with_token"] + table["without_token"]
    return table.assign(share_with_token=ratio(table["with_token"], recorded))


def status_by_token_presence(frames: Frames) -> pd.DataFrame:
    """Requests by token presence and status class, with the share within the presence."""
    table = requests_by(frames.requests, ("token_presence", "status_class"))
    order = table["token_presence"].map(TOKEN_PRESENCES.index).sort_values(kind="stable").index
    table = table.loc[order].reset_index(drop=True)
    base = table.groupby("token_presence")["requests"].transform("sum")
    return table.assign(share_of_presence=ratio(table["requests"], base))


def token_reasons(frames: Frames) -> pd.DataFrame:
    """The latest requests with an invalid token by why it is one; NA is not known."""
    recent = frames.recent
    invalid = recent[recent["token_validity"] == TokenValidity.INVALID]
    grouped = invalid.groupby("token_reason", dropna=False)
    table = pd.DataFrame({"requests": grouped.size(), "addresses": grouped["client_ip"].nunique()})
    table = table.reset_index()
    return table.assign(share_of_invalid=shares(table["requests"]))
