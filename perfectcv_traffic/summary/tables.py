"""The tables of the summary, each declared once as keys and measures.

Unknown key values are "" or -1, never NULL: SQL holds two NULLs to be different keys.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

UNKNOWN = -1
"""An integer key whose value is not recorded."""

NO_MINIMUM = 2**63 - 1
"""The identity of a minimum: no value has been seen."""

LARGEST_SUM = 2**62 - 1
"""What a sum stops at: min(a + b, LARGEST_SUM) of what is not negative is associative too.

Two of these fit into 64 bits, so that SQL can add before it compares.
"""

Merge = Literal["sum", "min", "max", "sketch"]
Key = tuple[int | str, ...]
Row = tuple[int | str | bytes, ...]


class Column(NamedTuple):
    """A key or a measure of a summary table; a measure says how two values merge."""

    name: str
    sql_type: Literal["TEXT", "INTEGER", "BLOB"]
    meaning: str
    merge: Merge | None = None


class Table(NamedTuple):
    """A summary table: one row for each combination of keys."""

    name: str
    meaning: str
    keys: tuple[Column, ...]
    measures: tuple[Column, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of keys, then measures: the shape of a row."""
        return tuple(column.name for column in (*self.keys, *self.measures))


def _text(name: str, meaning: str) -> Column:
    return Column(name, "TEXT", meaning)


def _integer(name: str, meaning: str) -> Column:
    return Column(name, "INTEGER", meaning)


def _sum(name: str, meaning: str) -> Column:
    return Column(name, "INTEGER", meaning, "sum")


_HOUR = _text("hour", "UTC hour of the request, 2026-11-21T22, '' when the log has no time")
_METHOD = _text("method", "HTTP request method")
_ROUTE = _text("route", "route template, or the normalised path where no route is known")
_STATUS = _integer("status_code", "HTTP status, -1 when no response was sent")

REQUESTS = Table(
    "summary_requests",
    "requests, sizes, nulls and durations",
    (
        _HOUR,
        _METHOD,
        _ROUTE,
        _integer("route_known", "1 when `route` is the application's own template"),
        _STATUS,
        _text("token_validity", "absent, valid, invalid, unknown; '' when not recorded"),
        _integer("auth_required", "1 or 0 as the route declares, -1 when unknown"),
        _text("scenario", "`generate` scenario, '' for ordinary traffic"),
    ),
    (
        _sum("requests", "number of requests"),
        _sum("requests_with_null_params", "requests in which a null was sent"),
        _sum("requests_with_null_response", "requests that were answered with a null"),
        _sum("incomplete", "responses that were not sent to their end"),
        _sum("request_bytes", "bytes of request bodies"),
        _sum("response_bytes", "bytes of response bodies"),
        _sum("timed", "requests whose duration is recorded"),
        _sum("duration_us_sum", "sum of durations in microseconds"),
        _sum("duration_square_sum", "sum of squared durations in thousandths of ms²"),
        Column("duration_us_min", "INTEGER", "shortest in microseconds; 2^63-1 if none", "min"),
        Column("duration_us_max", "INTEGER", "longest duration in microseconds", "max"),
        Column("durations", "BLOB", "sketch of durations: packed (bucket, count)", "sketch"),
    ),
)

NULLS = Table(
    "summary_nulls",
    "where nulls were, by route and field",
    (
        _HOUR,
        _METHOD,
        _ROUTE,
        _STATUS,
        _text("source", "request or response"),
        _text("location", "query, path, form or json_body"),
        _text("field_path", "path of the field, list positions left out: items[].name"),
        _text("kind", "json_null, null_text or empty"),
    ),
    (
        _sum("requests", "requests with a null there"),
        _sum("occurrences", "nulls there"),
    ),
)

CLIENTS = Table(
    "rate_limit_tracking",
    "requests per client, endpoint and window of one hour",
    (
        _text("client_identifier", "masked token if it tells one from another, else the address"),
        _text("endpoint", "as `route`; (unmatched) if none is known and the answer was 4xx"),
        _text("window_start", "UTC hour in which the window starts"),
    ),
    (
        _sum("request_count", "requests in the window"),
        Column("last_request", "TEXT", "time of the last one", "max"),
        Column("is_blocked", "INTEGER", "1 when one was answered 429", "max"),
    ),
)

URLS = Table(
    "url_access_counts",
    "accesses per path, as requested",
    (_text("path", "decoded URL path, secrets redacted"),),
    (
        _sum("access_count", "requests for the path"),
        Column("last_accessed", "TEXT", "time of the last one", "max"),
    ),
)

TABLES = (REQUESTS, NULLS, CLIENTS, URLS)
"""Everything that is kept by hour, path or client window; `overview` has what is read of it."""
