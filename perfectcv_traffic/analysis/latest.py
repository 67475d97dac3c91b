"""Which records are looked at one by one, and what of each: the latest, see `analysis.recent`."""

from __future__ import annotations

MOST = 20_000
"""Latest requests that are read."""

FIELDS = (
    "request_id",
    "timestamp",
    "method",
    "path",
    "route",
    "client_ip",
    "user_agent",
    "auth_required",
    "token_validity",
    "token_reason",
    "api_token",
    "status_code",
    "response_time_ms",
    "error_message",
    "null_params_count",
    "weight",
    "lost_before",
    "run_id",
    "scenario",
    "login_uuid",
)
"""Fields of `TrafficLog` that are read of each."""
