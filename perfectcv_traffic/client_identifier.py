"""Who called: what stands for a client in summaries, rate-limit windows and findings.

The masked token if it tells one credential from another, else the address. `columns/lines.py` has
the rule of `of` written out, because a call for each line costs more than all it does.
"""

from __future__ import annotations

from perfectcv_traffic.record import MASKED_WHOLE, TrafficLog

UNKNOWN = "unknown"
"""Everybody of whom neither a token nor an address is recorded."""

SQL = (
    f"coalesce(nullif(nullif(api_token, ''), '{MASKED_WHOLE}'), nullif(client_ip, ''), '{UNKNOWN}')"
)
"""The client of a row of `api_requests`."""


def of(record: TrafficLog) -> str:
    """The client of a record."""
    token = record.api_token
    return token if token and token != MASKED_WHOLE else record.client_ip or UNKNOWN
