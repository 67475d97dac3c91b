"""The database opens well in the tools that people have."""

from __future__ import annotations

import importlib
import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest
import sqlite_utils

from perfectcv_traffic.store.ingest import ingest


@pytest.fixture
def filled(log: Path, db: Path, line: Any) -> Path:
    log.write_bytes(b"".join(line(n) for n in range(20)))
    ingest([log], db)
    return db


def test_sqlite_utils_sees_tables_views_and_references(filled: Path) -> None:
    database = sqlite_utils.Database(filled)
    try:
        assert {"endpoint_stats", "status_by_hour", "token_by_hour", "null_hotspots"} <= set(
            database.view_names()
        )
        requests: Any = database["api_requests"]
        assert requests.count == 20
        assert requests.pks == ["id"]
        nulls: Any = database["null_value_logs"]
        [reference] = nulls.foreign_keys
        assert (reference.column, reference.other_table) == ("request_id", "api_requests")
        assert {"timestamp", "status_code", "has_null_params"} <= set(requests.columns_dict)
    finally:
        database.close()


@pytest.mark.skipif(
    not os.environ.get("CI") and importlib.util.find_spec("duckdb_extensions") is None,
    reason="duckdb and its extension for SQLite are not installed",
)
def test_duckdb_reads_rows_and_views(filled: Path) -> None:
    duckdb: Any = importlib.import_module("duckdb")
    importlib.import_module("duckdb_extensions").import_extension("sqlite_scanner")
    with duckdb.connect() as connection:
        connection.execute("LOAD sqlite_scanner")
        connection.execute(f"ATTACH '{filled}' AS traffic (TYPE sqlite)")
        query = "SELECT sum(requests) FROM traffic.summary_endpoints"
        assert connection.execute(query).fetchone()[0] == 20
        assert connection.execute("SELECT count(*) FROM traffic.endpoint_stats").fetchone()[0] > 0
