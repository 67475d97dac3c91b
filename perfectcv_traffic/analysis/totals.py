"""How much traffic there was."""

from __future__ import annotations

import pandas as pd

from perfectcv_traffic.analysis.counts import CLASS_COLUMNS, PRESENCE_COLUMNS, ratio, spread
from perfectcv_traffic.analysis.frames import Frames
from perfectcv_traffic.analysis.sums import summed
from perfectcv_traffic.record import ADMIN_SCENARIO

_SUMS = (
    "requests_with_null_params",
    "requests_with_null_response",
    "incomplete",
)
_BYTES = ("request_bytes", "response_bytes")
_RECORDER_ONLY = ("protected", "requests_with_null_response", "incomplete", "request_bytes")
"""What access logs do not tell, but for the bytes received in some of Caddy's."""


def totals(frames: Frames) -> pd.DataFrame:
    """One row: the whole traffic, by token presence and by status class.

    A sum that no log of the traffic carries is NA; where some do, it is theirs.
    """
    cells = frames.requests
    row = pd.DataFrame(
        {
            "requests": [cells["requests"].sum()],
            "first_hour": [frames.hours["hour"].min()],
            "last_hour": [frames.hours["hour"].max()],
            "endpoints": [cells["endpoint"].nunique()],
            "clients": [frames.client_count],
            "protected": [cells.loc[cells["auth_required"].fillna(value=False), "requests"].sum()],
            "generated": [cells.loc[_is_generated(cells["scenario"]), "requests"].sum()],
            **_summed(spread(cells, "token_presence", PRESENCE_COLUMNS)),
            **_summed(spread(cells, "status_class", CLASS_COLUMNS)),
            **_summed(cells[list(_SUMS)]),
            **{name: [summed(cells[name])] for name in _BYTES},
        }
    )
    row = row.assign(server_error_rate=ratio(row["status_5xx"], row["requests"]))
    return row.assign(**{name: pd.array([None], dtype="Int64") for name in _unknown(row)})


def _unknown(row: pd.DataFrame) -> list[str]:
    """Sums of nothing, where no log told even of tokens: that is, only access logs were read."""
    is_told = row["requests"].iloc[0] > row["token_not_recorded"].iloc[0]
    if is_told or row["requests"].iloc[0] == 0:
        return []
    return [name for name in _RECORDER_ONLY if row[name].iloc[0] == 0]


def _is_generated(scenario: pd.Series) -> pd.Series:
    """Admin requests have a scenario, too, and are no test."""
    return scenario.notna() & (scenario != ADMIN_SCENARIO).fillna(value=False)


def _summed(columns: pd.DataFrame) -> dict[str, list[int]]:
    return {str(name): [int(total)] for name, total in columns.sum().items()}
