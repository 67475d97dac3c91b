"""Access logs stored with the routes of the API."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from perfectcv_traffic.log.routes import by_groups, by_templates, first_of
from perfectcv_traffic.sources.openapi import document, templates
from perfectcv_traffic.store.ingest import Options, ingest

Query = Callable[..., list[tuple[Any, ...]]]


def test_foreign_log_is_stored_with_the_routes_of_the_document(
    log: Path,
    db: Path,
    tmp_path: Path,
    foreign_line: Callable[[int], bytes],
    query: Query,
) -> None:
    log.write_bytes(b"".join(foreign_line(number) for number in range(20)))
    ingest([log], tmp_path / "plain.db")
    paths = {
        row[0] for row in query("SELECT path FROM api_requests", database=tmp_path / "plain.db")
    }
    file = tmp_path / "openapi.json"
    some = sorted(paths)[0]
    file.write_text(json.dumps({"openapi": "3.1.0", "info": {}, "paths": {some: {}}}))
    find = first_of([by_templates(templates(document(str(file)))), by_groups([r"^(.+)$"])])

    ingest([log], db, options=Options(find_route=find))
    found = {row[0] for row in query("SELECT DISTINCT route FROM api_requests")}
    assert found <= {some, "{1}"}
    assert some in found
    assert query("SELECT min(route_known) FROM summary_requests") == [(1,)]
