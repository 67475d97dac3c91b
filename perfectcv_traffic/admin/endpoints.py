"""From a request's parameters to the answer: one method for each admin endpoint."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Any

import msgspec

from perfectcv_traffic.admin import clients, geo, live, metrics, queries, requests, statistics
from perfectcv_traffic.admin.database import Database, UnavailableError
from perfectcv_traffic.admin.freshness import Freshness
from perfectcv_traffic.admin.moments import shown
from perfectcv_traffic.admin.records import Records
from perfectcv_traffic.admin.scope import Prefix
from perfectcv_traffic.admin.windows import RateLimit
from perfectcv_traffic.capture.outcome import Counters
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.settings import Settings
from perfectcv_traffic.store import counted
from perfectcv_traffic.store.queries import line_counts

Query = Callable[[sqlite3.Connection], dict[str, Any]]
Fresh = tuple[bytes, int]
"""An answer in JSON, and the bytes of the log that it does not know yet."""


class Endpoints:
    """The answers over one database."""

    def __init__(
        self,
        database: Database,
        freshness: Freshness,
        settings: Settings,
        model: type[TrafficLog],
        counters: Callable[[], Counters],
        locate: geo.Locate,
    ) -> None:
        self._database = database
        self._freshness = freshness
        self._prefix = settings.admin_prefix
        self._records = Records(model)
        self._counters = counters
        self._rate_limit = RateLimit(settings.rate_limit, settings.rate_limit_window // 60)
        self._locate = locate

    async def request_logs(
        self, wanted: requests.Filter, limit: int, offset: int, *, include_admin: bool
    ) -> Fresh:
        """Full records, newest first."""
        prefix = self._kept_out(include_admin)

        def query(connection: sqlite3.Connection) -> dict[str, Any]:
            _require_rows(connection)
            page = requests.find(connection, wanted, prefix, limit, offset)
            return {
                "total_records": page.total,
                "total_is_exact": page.is_exact,
                "limit": limit,
                "offset": offset,
                "count": len(page.rows),
                "logs": self._records.all(page.rows),
            }

        return await self._fresh(query)

    async def request_stats(
        self, since: str | None, until: str | None, *, include_admin: bool
    ) -> Fresh:
        """Totals and durations."""
        prefix = self._kept_out(include_admin)

        def query(connection: sqlite3.Connection, behind: int) -> dict[str, Any]:
            counters, lines = self._counters(), line_counts(connection)
            return {
                **statistics.request_stats(connection, prefix, since, until),
                "dropped_count": counters.lost,
                "excluded_count": counters.excluded + counters.sampled_out,
                "ingest": {
                    "behind_bytes": behind,
                    **{name: getattr(lines, name) for name in _LINES},
                },
            }

        return await self._fresh_knowing_lag(query)

    async def null_logs(
        self,
        limit: int,
        offset: int,
        *,
        path: str | None,
        null_type: str | None,
        include_admin: bool,
    ) -> Fresh:
        """Null values, newest first."""
        prefix = self._kept_out(include_admin)

        def query(connection: sqlite3.Connection) -> dict[str, Any]:
            _require_rows(connection)
            found = queries.null_logs(
                connection, prefix, limit, offset, path=path, null_type=null_type
            )
            logs = [
                {**_timed(row), "context": msgspec.Raw(row["context"].encode())}
                for row in found.rows
            ]
            return {"total_records": found.total, "logs": logs}

        return await self._fresh(query)

    async def rate_limits(
        self, client: str | None, limit: int, offset: int, *, include_admin: bool
    ) -> Fresh:
        """All clients, or the endpoints of one."""
        prefix, most = self._kept_out(include_admin), self._rate_limit

        def query(connection: sqlite3.Connection) -> dict[str, Any]:
            if client is None:
                busiest = clients.busiest(connection, prefix, limit, offset, most)
                return {"stats": [_shown(row._asdict()) for row in busiest]}
            rows = clients.endpoints(
                connection, prefix, limit, offset, client=client, rate_limit=most
            )
            chosen = {"client_identifier": client}
            return {"filter": chosen, "stats": [_shown(row._asdict()) for row in rows]}

        return await self._fresh(query)

    async def url_stats(self, limit: int, *, include_admin: bool) -> Fresh:
        """The most requested paths."""
        prefix = self._kept_out(include_admin)

        def query(connection: sqlite3.Connection) -> dict[str, Any]:
            rows, urls, accesses = queries.url_stats(connection, prefix, limit)
            top = [{**row, "last_accessed": shown(row["last_accessed"])} for row in map(dict, rows)]
            return {"total_unique_urls": urls, "total_accesses": accesses, "top_urls": top}

        return await self._fresh(query)

    async def uuid_logs(self, limit: int, offset: int, *, uuid: str | None) -> Fresh:
        """Login attempts, newest first."""

        def query(connection: sqlite3.Connection) -> dict[str, Any]:
            _require_rows(connection)
            found = queries.logins(connection, limit, offset, uuid=uuid)
            logs = [
                {
                    **_timed(row),
                    "success": bool(row["success"]),
                    "geo_location": self._locate(row["ip_address"]),
                }
                for row in found.rows
            ]
            page = {"limit": limit, "offset": offset, "count": len(logs)}
            return {"total": found.total, **page, "logs": logs}

        return await self._fresh(query)

    async def live(self, seconds: int) -> Fresh:
        """The last minutes."""
        prefix = Prefix(self._prefix)

        def query(connection: sqlite3.Connection) -> dict[str, Any]:
            _require_rows(connection)
            return live.live(connection, prefix, seconds, time.time(), self._rate_limit)

        return await self._fresh(query)

    async def metrics(self) -> str:
        """Prometheus' text; a scraper does not wait for the ingester."""

        def query(connection: sqlite3.Connection) -> str:
            behind = self._freshness.behind(connection)
            return metrics.text(connection, Prefix(self._prefix), self._counters(), behind)

        return await self._database.read(query)

    def _kept_out(self, include_admin: bool) -> Prefix:
        return Prefix(None if include_admin else self._prefix)

    async def _fresh(self, query: Query) -> Fresh:
        return await self._fresh_knowing_lag(lambda connection, _behind: query(connection))

    async def _fresh_knowing_lag(
        self, query: Callable[[sqlite3.Connection, int], dict[str, Any]]
    ) -> Fresh:
        def read(connection: sqlite3.Connection) -> Fresh:
            behind = self._freshness.catch_up(connection)
            connection.execute("BEGIN")  # one answer, one state of the database
            answer = {"status": "success", **query(connection, behind)}
            # Encoded here, in a thread: the application's event loop is not held up.
            return msgspec.json.encode(answer), behind

        return await self._database.read(read)


_LINES = ("lines", "stored", "duplicate", "rejected", "blank")


def _require_rows(connection: sqlite3.Connection) -> None:
    """Raise `UnavailableError` for a database of which no request has a row."""
    if counted.is_summary(connection):
        raise UnavailableError(f"the database {counted.absence(connection, 'single requests')}")


def _timed(row: sqlite3.Row) -> dict[str, Any]:
    return {**requests.as_dict(row), "timestamp": shown(row["timestamp"])}


def _shown(client: dict[str, Any]) -> dict[str, Any]:
    return {**client, "last_request": shown(client["last_request"])}
