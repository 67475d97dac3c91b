"""The latest requests, one by one: for what no summary keeps, and as evidence of what it counts.

Their number is bounded, so that a long log costs no more than a short one; tables that rest on them
say so. What is said of the whole traffic comes from the summary.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

import pandas as pd

from perfectcv_traffic import client_identifier, timestamps
from perfectcv_traffic.analysis.columnar import TEXT, status_classes, typed_frame, utc
from perfectcv_traffic.analysis.latest import FIELDS
from perfectcv_traffic.paths import template
from perfectcv_traffic.record import MASKED_WHOLE, TokenValidity
from perfectcv_traffic.summary.summary import MAX_DURATION_MS

_NO_TEXT = {
    "auth_required": "object",
    "status_code": "Int64",
    "response_time_ms": "float64",
    "null_params_count": "int64",
    "weight": "float64",
    "lost_before": "Int64",
}
_DTYPES = {name: _NO_TEXT.get(name, TEXT) for name in FIELDS}

_TIMESTAMP = FIELDS.index("timestamp")

values = attrgetter(*FIELDS)
"""The values of `FIELDS` of a record."""


def frame(rows: Iterable[tuple[object, ...]]) -> pd.DataFrame:
    """The latest requests, oldest first, with their time, endpoint and client.

    Rows come as they were stored or read, which of several hosts or logs is in no order of time.
    """
    table = typed_frame(_DTYPES, sorted(rows, key=_when))
    route = _routes(table)
    token = table["api_token"].where(~table["api_token"].isin(["", MASKED_WHOLE]))
    address = table["client_ip"].where(table["client_ip"] != "")
    return table.assign(
        timestamp=utc(table["timestamp"]),
        route=route,
        endpoint=route.where(table["method"].isna(), table["method"] + " " + route),
        client=token.fillna(address).fillna(client_identifier.UNKNOWN),
        auth_required=table["auth_required"].eq(1),
        is_refusable=table["token_validity"].isin([TokenValidity.ABSENT, TokenValidity.INVALID]),
        status_class=status_classes(table["status_code"]),
        response_time_ms=_durations(table["response_time_ms"]),
    )


def _when(row: tuple[object, ...]) -> str:
    return timestamps.rank(row[_TIMESTAMP])


def _durations(milliseconds: pd.Series) -> pd.Series:
    """Those that the summary takes for durations, too."""
    return milliseconds.where(milliseconds.between(0, MAX_DURATION_MS))


def _routes(table: pd.DataFrame) -> pd.Series:
    """The route, or the normalised path where none is known."""
    unknown = table["route"].isna()
    templates = table.loc[unknown, "path"].fillna("").map(template).astype(TEXT)
    return table["route"].where(~unknown, templates)


EVIDENCE = 3
"""Ids that a finding names."""


def evidence(requests: pd.DataFrame, most: int = EVIDENCE) -> str:
    """Ids of the latest of these requests, newest first."""
    return " ".join(
        requests["request_id"].dropna().drop_duplicates(keep="last").tail(most).iloc[::-1]
    )
