"""The sixth version of the schema: what a scanner asked for, in as few rows as from now on.

No table or column changes. Each hour is brought down to its number of groups, and what matched no
route and was refused becomes one endpoint in the windows of clients. The rows tell which windows
these are, so where some were pruned, older windows stay as they are.
"""

from __future__ import annotations

import sqlite3

from perfectcv_traffic import paths
from perfectcv_traffic.store import upserts
from perfectcv_traffic.summary import hourly
from perfectcv_traffic.summary.tables import TABLES

# Who a client is as version 5 had counted it: `client_identifier.SQL` came later.
_UNMATCHED = "route IS NULL AND status_code BETWEEN 400 AND 499"
_REQUESTS = (
    "(SELECT coalesce(nullif(api_token, ''), nullif(client_ip, ''), 'unknown') AS client,"
    " coalesce(route, normalised(path)) AS endpoint, substr(coalesce(timestamp, ''), 1, 13) AS"
    f" hour, coalesce(timestamp, '') AS time, status_code, {_UNMATCHED} AS unmatched"
    " FROM api_requests)"
)
_KEY = "client, endpoint, hour"
_COLUMNS = "client_identifier, endpoint, window_start"


def migrate(db: sqlite3.Connection) -> None:
    """Bring the summary of an older database down to its limits, within a transaction."""
    for table in TABLES:
        if table.name in hourly.LIMITS:
            hours = [row[0] for row in db.execute(f"SELECT DISTINCT hour FROM {table.name}")]
            for hour in hours:
                upserts.limit_hour(db, table, hour)
    if not db.execute("SELECT 1 FROM store_meta WHERE name = 'pruned'").fetchone():
        _count_windows_anew(db)


def _count_windows_anew(db: sqlite3.Connection) -> None:
    """The windows of what matched no route, and those of routes that are called the same."""
    db.create_function("normalised", 1, paths.template, deterministic=True)
    db.execute("DROP TABLE IF EXISTS temp.unmatched")
    db.execute(f"CREATE TEMP TABLE unmatched AS SELECT DISTINCT {_KEY} FROM {_REQUESTS}"
               " WHERE unmatched")  # fmt: skip
    db.execute(
        f"DELETE FROM rate_limit_tracking WHERE ({_COLUMNS}) IN (SELECT {_KEY} FROM temp.unmatched)"
    )
    db.execute(
        f"INSERT INTO rate_limit_tracking ({_COLUMNS}, request_count, last_request, is_blocked)"
        " SELECT client, CASE WHEN r.unmatched THEN ? ELSE endpoint END, hour, count(*),"
        f" max(time), max(status_code IS 429) FROM temp.unmatched JOIN {_REQUESTS} r"
        f" USING ({_KEY}) GROUP BY 1, 2, 3",
        (paths.UNMATCHED,),
    )
    db.execute("DROP TABLE temp.unmatched")
