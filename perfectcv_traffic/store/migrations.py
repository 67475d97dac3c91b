"""Steps from each version of the schema to the next.

A released step is never changed, so it names its tables and columns itself: what the program
declares today is another matter. Columns of the record are added by `schema.prepare`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from perfectcv_traffic.store import upserts, version_6, version_7, version_9, version_10
from perfectcv_traffic.store.ddl import add_column, columns, create_index, create_table, create_view
from perfectcv_traffic.summary import overview, summary
from perfectcv_traffic.summary.tables import Key

_REQUESTS = (
    "id INTEGER, log_file_id INTEGER, log_offset INTEGER, request_id TEXT, event_id TEXT,"
    " timestamp TEXT, method TEXT, url TEXT, path TEXT, route TEXT, query_params TEXT,"
    " request_headers TEXT, response_headers TEXT, request_body TEXT, response_body TEXT,"
    " request_bytes INTEGER, response_bytes INTEGER, client_ip TEXT, user_agent TEXT,"
    " auth_required INTEGER, token_present INTEGER, token_scheme TEXT, token_source TEXT,"
    " token_validity TEXT, token_reason TEXT, api_token TEXT, status_code INTEGER,"
    " request_time_ms REAL, ttfb_ms REAL, response_time_ms REAL, complete INTEGER,"
    " client_disconnected INTEGER, error_message TEXT, null_params_count INTEGER,"
    " null_params_details TEXT, null_response_count INTEGER, null_response_details TEXT,"
    " nulls_partial INTEGER, request_data_summary TEXT, rate_limit TEXT, login_uuid TEXT,"
    " run_id TEXT, scenario TEXT, has_null_params INTEGER, has_null_response INTEGER"
)
_TABLES_1: Mapping[str, str] = {
    "api_requests": _REQUESTS,
    "log_files": (
        "id INTEGER, path TEXT, generation INTEGER, committed_offset INTEGER,"
        " head_length INTEGER, head BLOB, anchor_length INTEGER, anchor BLOB, lines INTEGER,"
        " stored INTEGER, rejected INTEGER, blank INTEGER, duplicate INTEGER, updated TEXT"
    ),
    "rejected_lines": (
        "id INTEGER, log_file_id INTEGER, log_offset INTEGER, length INTEGER, reason TEXT, raw TEXT"
    ),
    "null_value_logs": (
        "id INTEGER, request_id INTEGER, timestamp TEXT, path TEXT, client_ip TEXT,"
        " null_type TEXT, field_name TEXT, field_path TEXT, context TEXT"
    ),
    "uuid_logins": (
        "id INTEGER, request_id INTEGER, uuid TEXT, ip_address TEXT, timestamp TEXT,"
        " user_agent TEXT, success INTEGER"
    ),
    "generated_requests": (
        "id INTEGER, run_id TEXT, request_id TEXT, scenario TEXT, method TEXT,"
        " path TEXT, expected TEXT, status_code INTEGER, as_expected INTEGER, error TEXT,"
        " duration_ms REAL"
    ),
    "findings": (
        "id INTEGER, run_id TEXT, rule TEXT, severity TEXT, method TEXT, path TEXT,"
        " pointer TEXT, title TEXT, expected TEXT, observed TEXT, evidence TEXT, fingerprint TEXT,"
        " curl TEXT"
    ),
}
_SUMMARIES_1: Mapping[str, tuple[str, str]] = {
    "summary_requests": (
        (
            "hour TEXT, method TEXT, route TEXT, route_known INTEGER, status_code INTEGER,"
            " token_validity TEXT, auth_required INTEGER, scenario TEXT"
        ),
        (
            "requests INTEGER, requests_with_null_params INTEGER,"
            " requests_with_null_response INTEGER, incomplete INTEGER, request_bytes INTEGER,"
            " response_bytes INTEGER, timed INTEGER,"
            " duration_us_sum INTEGER, duration_square_sum INTEGER, duration_us_min INTEGER,"
            " duration_us_max INTEGER, durations BLOB"
        ),
    ),
    "summary_nulls": (
        (
            "hour TEXT, method TEXT, route TEXT, status_code INTEGER, source TEXT, location TEXT,"
            " field_path TEXT, kind TEXT"
        ),
        "requests INTEGER, occurrences INTEGER",
    ),
    "rate_limit_tracking": (
        "client_identifier TEXT, endpoint TEXT, window_start TEXT",
        "request_count INTEGER, last_request TEXT, is_blocked INTEGER",
    ),
    "url_access_counts": ("path TEXT", "access_count INTEGER, last_accessed TEXT"),
}
_REFERENCES_1 = ("null_value_logs", "uuid_logins")
_INDEXES_1: tuple[tuple[str, tuple[str, ...], bool], ...] = (
    ("api_requests", ("log_file_id", "log_offset"), True),
    ("api_requests", ("timestamp",), False),
    ("api_requests", ("request_id",), False),
    ("api_requests", ("event_id",), True),
    ("log_files", ("path", "generation"), True),
    ("rejected_lines", ("log_file_id", "log_offset"), True),
    ("null_value_logs", ("request_id",), False),
    ("uuid_logins", ("uuid",), False),
    ("generated_requests", ("run_id", "request_id"), True),
)


def _version_1(db: sqlite3.Connection) -> None:
    for name, types in _TABLES_1.items():
        references = {"request_id": "api_requests"} if name in _REFERENCES_1 else None
        create_table(db, name, columns(types), references=references)
    for name, indexed, unique in _INDEXES_1:
        create_index(db, name, indexed, unique=unique)
    for name, (keys, measures) in _SUMMARIES_1.items():
        _create_summary(db, name, columns(keys), columns(measures))


_SUMMARIES_2: Mapping[str, tuple[str, str]] = {
    "summary_endpoints": (
        (
            "method TEXT, route TEXT, route_known INTEGER, status_code INTEGER,"
            " token_validity TEXT, auth_required INTEGER, scenario TEXT, rank INTEGER"
        ),
        _SUMMARIES_1["summary_requests"][1],
    ),
    "summary_hours": (
        "hour TEXT, token_validity TEXT, rank INTEGER",
        (
            "requests INTEGER, status_1xx INTEGER, status_2xx INTEGER, status_3xx INTEGER,"
            " status_4xx INTEGER, status_5xx INTEGER, requests_with_null_params INTEGER,"
            " requests_with_null_response INTEGER"
        ),
    ),
    "summary_null_fields": (
        (
            "method TEXT, route TEXT, status_code INTEGER, source TEXT, location TEXT,"
            " field_path TEXT, kind TEXT, rank INTEGER"
        ),
        _SUMMARIES_1["summary_nulls"][1],
    ),
    "summary_clients": (
        "client_identifier TEXT, rank INTEGER",
        _SUMMARIES_1["rate_limit_tracking"][1],
    ),
}
_VIEWS_2 = {
    "endpoint_stats": """
        SELECT method, route, sum(requests) AS requests,
               sum(CASE WHEN status_code / 100 = 4 THEN requests ELSE 0 END) AS client_errors,
               sum(CASE WHEN status_code / 100 = 5 THEN requests ELSE 0 END) AS server_errors,
               round(sum(duration_us_sum) / 1000.0 / nullif(sum(timed), 0), 3) AS mean_ms,
               round(max(duration_us_max) / 1000.0, 3) AS max_ms,
               sum(response_bytes) AS response_bytes
        FROM summary_endpoints GROUP BY method, route ORDER BY requests DESC""",
    "status_by_hour": """
        SELECT hour, sum(requests) AS requests, sum(status_2xx) AS status_2xx,
               sum(status_3xx) AS status_3xx, sum(status_4xx) AS status_4xx,
               sum(status_5xx) AS status_5xx
        FROM summary_hours GROUP BY hour ORDER BY hour""",
    "token_by_hour": """
        SELECT hour,
               sum(CASE WHEN token_validity IN ('', 'absent') THEN 0 ELSE requests END)
                   AS with_token,
               sum(CASE WHEN token_validity = 'absent' THEN requests ELSE 0 END) AS without_token,
               sum(CASE WHEN token_validity = '' THEN requests ELSE 0 END) AS not_recorded
        FROM summary_hours GROUP BY hour ORDER BY hour""",
    "null_hotspots": """
        SELECT method, route, source, location, field_path, kind,
               sum(requests) AS requests, sum(occurrences) AS occurrences,
               sum(CASE WHEN status_code / 100 = 5 THEN requests ELSE 0 END) AS server_errors
        FROM summary_null_fields
        GROUP BY method, route, source, location, field_path, kind
        ORDER BY server_errors DESC, requests DESC""",
}


def _version_2(db: sqlite3.Connection) -> None:
    """Rotation and forks, roll-ups and views; indexes that cost more than they gave are dropped."""
    added = "parent INTEGER, device INTEGER, inode INTEGER, format TEXT"
    for name, sql_type in columns(added).items():
        add_column(db, "log_files", name, sql_type)
    add_column(db, "log_files", "salvaged", "INTEGER", "NOT NULL DEFAULT 0")
    add_column(db, "rejected_lines", "detail", "TEXT")
    create_table(db, "log_streams", columns("id INTEGER, path TEXT, first_seen TEXT"))
    create_index(db, "log_streams", ("path",), unique=True)
    create_table(db, "log_files_done", columns("id INTEGER, signature TEXT"))
    create_index(db, "log_files_done", ("signature",), unique=True)
    create_table(db, "store_meta", columns("id INTEGER, name TEXT, value TEXT"))
    create_index(db, "store_meta", ("name",), unique=True)
    db.execute("INSERT INTO log_streams (path) SELECT DISTINCT path FROM log_files")
    for index in ("log_file_id_log_offset", "request_id"):
        db.execute(f"DROP INDEX IF EXISTS api_requests_{index}")
    # Random request ids make a slow, large index; only generated traffic is looked up by them.
    db.execute(
        "CREATE INDEX api_requests_run ON api_requests (run_id, request_id)"
        " WHERE run_id IS NOT NULL"
    )
    # The current hour's windows side by side: otherwise every commit writes most of the index.
    db.execute("DROP INDEX IF EXISTS rate_limit_tracking_client_identifier_endpoint_window_start")
    windows = ("window_start", "client_identifier", "endpoint")
    create_index(db, "rate_limit_tracking", windows, unique=True)
    for name, (keys, measures) in _SUMMARIES_2.items():
        _create_summary(db, name, columns(keys), columns(measures))
        db.execute(f"CREATE INDEX {name}_rank ON {name} (rank) WHERE rank >= 0")
    for name, query in _VIEWS_2.items():
        create_view(db, name, query)
    _fill_rollups(db)


def _fill_rollups(db: sqlite3.Connection) -> None:
    for rollup in overview.ROLLUPS:
        source = rollup.source
        cells: dict[Key, list[Any]] = {}
        query = f"SELECT {', '.join(source.columns)} FROM {source.name}"
        summary.load(source, cells, db.execute(query))
        rows = list(summary.packed(rollup.table, overview.cells(rollup, cells)))
        upserts.roll_up(db, rollup, rows)


_INDEXES_3: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "api_requests",
        (
            "timestamp",
            "method",
            "status_code",
            "token_validity",
            "has_null_params",
            "has_null_response",
            "scenario",
        ),
    ),
    ("api_requests", ("timestamp", "client_ip", "api_token", "scenario")),
    ("api_requests", ("timestamp", "path")),
    ("api_requests", ("request_id",)),
    ("null_value_logs", ("timestamp", "null_type", "path")),
    ("url_access_counts", ("access_count",)),
    ("rate_limit_tracking", ("client_identifier", "endpoint")),
)


def _version_3(db: sqlite3.Connection) -> None:
    """Indexes for the admin endpoints' filters.

    Those of many rows begin with the time, so that a new row goes to their end: ordered by
    anything else an index costs ten times as much. Filters scan them without touching rows.
    """
    db.execute("DROP INDEX IF EXISTS api_requests_timestamp")
    for name, indexed in _INDEXES_3:
        create_index(db, name, indexed)


def _version_4(db: sqlite3.Connection) -> None:
    """One index in place of three for the filters of requests; clients by their requests."""
    for _, indexed in _INDEXES_3[:3]:
        db.execute(f"DROP INDEX api_requests_{'_'.join(indexed)[:40]}")
    db.execute(
        "CREATE INDEX api_requests_time_and_filters ON api_requests (timestamp, path, client_ip,"
        " status_code, method, api_token, token_validity, has_null_params, has_null_response,"
        " scenario, response_time_ms)"
    )
    db.execute(
        "CREATE INDEX summary_clients_request_count_client_identifier"
        " ON summary_clients (request_count DESC, client_identifier)"
    )


def _version_5(db: sqlite3.Connection) -> None:
    """Request ids are random: an index of them alone is written all over.

    Within a bucket of successive rows they are close together, and a million rows have 244 buckets
    to look into.
    """
    db.execute("DROP INDEX IF EXISTS api_requests_request_id")
    db.execute("CREATE INDEX api_requests_request_id ON api_requests (id >> 12, request_id)")


def _version_8(db: sqlite3.Connection) -> None:
    """What `generate` sent and `prune` took away was recorded once: it is not missing."""
    add_column(db, "generated_requests", "is_pruned", "INTEGER", "NOT NULL DEFAULT 0")


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _version_1,
    _version_2,
    _version_3,
    _version_4,
    _version_5,
    version_6.migrate,
    version_7.migrate,
    _version_8,
    version_9.migrate,
    version_10.migrate,
)
"""Steps from each schema version to the next; never changed once released, only added to."""


def _create_summary(
    db: sqlite3.Connection, name: str, keys: Mapping[str, str], measures: Mapping[str, str]
) -> None:
    types = {**keys, **measures}
    create_table(db, name, {"id": "INTEGER", **types}, not_null=set(types))
    create_index(db, name, tuple(keys), unique=True)
