"""Routes of an access log by an OpenAPI document, from a file or from the API; Markdown of it."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

Program = Callable[..., subprocess.CompletedProcess[str]]

LINE = '203.0.113.7 - - [21/Nov/2026:10:00:00 +0000] "GET /api/v1/users/17 HTTP/1.1" 200 512\n'

pytestmark = pytest.mark.end_to_end


@pytest.mark.parametrize("is_file", [True, False], ids=["file", "url"])
def test_routes_come_from_the_document(
    program: Program, demo: str, tmp_path: Path, *, is_file: bool
) -> None:
    (tmp_path / "access.log").write_text(LINE, "utf-8")
    document = f"{demo}/openapi.json"
    if is_file:
        (tmp_path / "openapi.json").write_bytes(httpx.get(document).content)
        document = "openapi.json"

    done = program("ingest", "access.log", "--openapi", document)
    found = program("query", "SELECT route FROM api_requests")

    assert done.returncode == 0, done.stderr
    assert found.stdout.splitlines() == ["route", "/api/v1/users/{user_id}"]


def test_document_that_cannot_be_had_is_named(program: Program, tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text(LINE, "utf-8")
    missing = program("ingest", "access.log", "--openapi", "missing.json")
    silent = program("ingest", "access.log", "--openapi", "http://127.0.0.1:1/openapi.json")

    assert (missing.returncode, silent.returncode) == (3, 4)
    assert "missing.json cannot be read" in missing.stderr
    assert "did not give an OpenAPI document" in silent.stderr


def test_markdown_has_every_usual_table(program: Program, tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text(LINE, "utf-8")
    told = program("analyze", "access.log", "--markdown", "--no-charts", "--status", "2xx").stdout

    assert told.startswith("# API traffic\n\nFilters in force: ")
    assert "\n## Totals\n\n- Requests: **1**\n" in told
    assert "\n| GET /api/v1/users/{id} | 1 | " in told.replace("`", "")
    assert "No findings in the recorded traffic." in told
