"""Routes of an access log by an OpenAPI document, from a file or from the API; Markdown of it."""

import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
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
    assert "did not answer (connection refused)" in silent.stderr


def test_markdown_has_every_usual_table(program: Program, tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text(LINE, "utf-8")
    told = program("analyze", "access.log", "--markdown", "--no-charts", "--status", "2xx").stdout

    assert told.startswith("# API traffic\n\nFilters in force: ")
    assert "\n## Totals\n\n- Requests: **1**\n" in told
    assert "\n| GET /api/v1/users/{id} | 1 | " in told.replace("`", "")
    assert "No findings in the recorded traffic." in told


BROKEN = '{"openapi": "3.1.0", "paths": {"/items": {"get": {"parameters": [{"$ref": "#/x/y"}]}}}}'


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read (No such file or directory): give an OpenAPI file"),
        (BROKEN[:-3], "is not JSON: line 1, column 85: expecting ',' delimiter: the text ends"),
        (BROKEN, ": every operation is left out: $ref '#/x/y' points to nothing (1): correct the"),
    ],
    ids=["missing", "truncated", "reference"],
)
def test_file_that_cannot_be_used_is_no_unreachable_target(
    program: Program, tmp_path: Path, content: str | None, told: str
) -> None:
    if content is not None:
        (tmp_path / "d.json").write_text(content, "utf-8")

    done = program("generate", "http://127.0.0.1:1", "--openapi", "d.json")

    assert done.returncode == 3
    assert told in done.stderr
    assert done.stderr.count("d.json") == 1
    assert "--allow-writes" not in done.stderr


def test_broken_operation_is_told_and_its_path_used(program: Program, tmp_path: Path) -> None:
    (tmp_path / "d.json").write_text(BROKEN, "utf-8")
    (tmp_path / "access.log").write_text(LINE.replace("/api/v1/users/17", "/items"), "utf-8")

    done = program("ingest", "access.log", "--openapi", "d.json")
    found = program("query", "SELECT route FROM api_requests")

    assert done.returncode == 0
    assert "d.json: GET /items is broken ($ref '#/x/y' points to nothing)" in done.stderr
    assert found.stdout.splitlines() == ["route", "/items"]


@pytest.mark.parametrize("command", [("ingest",), ("analyze", "--no-charts")], ids=" ".join)
def test_document_of_another_host_needs_that_host_allowed(
    program: Program, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "access.log").write_text(LINE, "utf-8")

    done = program(*command, "access.log", "--openapi", "http://192.0.2.1/openapi.json")
    allowed = program(
        *command, "access.log", "--openapi", "http://x.invalid/d", "--allow-host", "x.invalid"
    )

    assert (done.returncode, allowed.returncode) == (2, 4)
    assert "192.0.2.1 is 192.0.2.1, not this machine: allow the host" in done.stderr
    assert "did not answer (the host has no address): check the host name" in allowed.stderr


class Redirecting(BaseHTTPRequestHandler):
    """Sends everybody elsewhere."""

    def do_GET(self) -> None:
        self.send_response(307)
        self.send_header("Location", "http://192.0.2.1/openapi.json")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_redirect_to_the_document_is_not_followed(program: Program, tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text(LINE, "utf-8")
    with HTTPServer(("127.0.0.1", 0), Redirecting) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            address = f"http://127.0.0.1:{server.server_port}/openapi.json"
            done = program("ingest", "access.log", "--openapi", address)
        finally:
            server.shutdown()
            thread.join()

    assert done.returncode == 4
    assert (
        "answered 307, a redirect to 'http://192.0.2.1/openapi.json', and none is followed"
        in done.stderr
    )
