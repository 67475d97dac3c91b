"""The schema's step to version 7: databases that keep a summary and no rows.

`counted_ids` and `counted_lines` tell lines that were counted already, `merged_*` is each summary
table and roll-up as it was when a database that has no rows was merged last.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from perfectcv_traffic.store.ddl import columns, create_index, create_table

_COUNTED_IDS = "id INTEGER, source TEXT, first TEXT, last TEXT"
_COUNTED_LINES = (
    "id INTEGER, log_file_id INTEGER, first_offset INTEGER, last_offset INTEGER, digests BLOB"
)
_ENDPOINT = (
    "method", "route", "route_known", "status_code", "token_validity", "auth_required", "scenario",
)  # fmt: skip
_NULL_FIELD = ("method", "route", "status_code", "source", "location", "field_path", "kind")
_KEYS: Mapping[str, tuple[str, ...]] = {
    "summary_requests": ("hour", *_ENDPOINT),
    "summary_nulls": ("hour", *_NULL_FIELD),
    "rate_limit_tracking": ("window_start", "client_identifier", "endpoint"),
    "url_access_counts": ("path",),
    "summary_endpoints": (*_ENDPOINT, "rank"),
    "summary_hours": ("hour", "token_validity", "rank"),
    "summary_null_fields": (*_NULL_FIELD, "rank"),
    "summary_clients": ("client_identifier", "rank"),
}


def migrate(db: sqlite3.Connection) -> None:
    """Make the tables; all of them are empty where every request has its row."""
    create_table(db, "counted_ids", columns(_COUNTED_IDS))
    create_index(db, "counted_ids", ("first", "last"), unique=True)
    create_table(db, "counted_lines", columns(_COUNTED_LINES))
    create_index(db, "counted_lines", ("log_file_id", "last_offset"))
    for name, keys in _KEYS.items():
        copied = db.execute(f"PRAGMA table_info({name})").fetchall()
        types = {column: sql_type for _, column, sql_type, *_ in copied if column != "id"}
        owned = {"id": "INTEGER", "database": "TEXT", **types}
        create_table(db, f"merged_{name}", owned, not_null=set(owned))
        create_index(db, f"merged_{name}", ("database", *keys), unique=True)
