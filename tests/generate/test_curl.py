"""Curl lines of findings do what the finding says when a shell runs them as they are printed."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from perfectcv_traffic.generate.encoding import WireRequest
from perfectcv_traffic.generate.find import ProbeOptions, find
from perfectcv_traffic.generate.options import Options
from perfectcv_traffic.generate.probe.curl import curl
from perfectcv_traffic.generate.selection import Selection
from perfectcv_traffic.render.found import as_text
from perfectcv_traffic.render.probed import Report

Serve = Callable[[Any], contextlib.AbstractContextManager[str]]

METHODS = ("GET", "HEAD", "POST")


def _body(media_type: str, schema: Any) -> dict[str, Any]:
    return {"required": True, "content": {media_type: {"schema": schema}}}


FIELDS = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
TEXT = {"type": "string"}
DOCUMENT = {
    "openapi": "3.1.0",
    "paths": {
        "/head": {"head": {"parameters": [{"name": "q", "in": "query", "schema": TEXT}]}},
        "/read": {"get": {"requestBody": _body("application/json", {"type": "array"})}},
        "/form": {
            "post": {
                "requestBody": _body(
                    "multipart/form-data",
                    FIELDS | {"properties": FIELDS["properties"] | {"name": TEXT}},  # type: ignore[operator]
                )
            }
        },
    },
}


def application() -> FastAPI:
    """Fails for null in a query, a body and a form that lacks a name."""
    app = FastAPI(openapi_url=None)

    @app.get("/openapi.json")
    def document() -> JSONResponse:
        return JSONResponse(DOCUMENT)

    @app.head("/head")
    def head(q: str = "x") -> Response:
        return Response(status_code=500 if q == "null" else 200)

    @app.get("/read")
    async def read(request: Request) -> Response:
        return Response(status_code=500 if await request.body() == b"null" else 200)

    @app.post("/form")
    async def form(request: Request) -> Response:
        async with request.form() as sent:
            return Response(status_code=200 if "name" in sent else 500)

    return app


def _run(line: str) -> str:
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, encoding="utf-8", check=True, timeout=60
    )
    return done.stdout


@pytest.mark.end_to_end
def test_lines_of_the_text_report_run_as_printed(serve: Serve) -> None:
    options = Options(selection=Selection(allow_writes=True, methods=METHODS))
    with serve(application()) as url:
        probed = find(url, options, ProbeOptions(suites=("null",)))
        text = as_text(Report(probed=probed, findings=probed.findings))
        lines = [line.strip() for line in text.splitlines() if line.startswith("  curl ")]

        assert {one.path for one in probed.findings} == {"/head", "/read", "/form"}
        assert len(lines) == len(probed.findings)
        assert all(_run(line).startswith("HTTP/1.1 500") for line in lines)


@pytest.mark.end_to_end
def test_body_that_begins_like_the_name_of_a_file_is_sent_as_it_is(
    serve: Serve, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("of this machine")
    app = FastAPI()

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        return Response(await request.body())

    with serve(app) as url:
        request = WireRequest(
            method="POST",
            path="/echo",
            url=f"{url}/echo",
            headers={"Content-Type": "text/plain"},
            content=f"@{secret}".encode(),
        )
        told = _run(curl(request, {}))

    assert told.endswith(f"@{secret}")
    assert "of this machine" not in told


def test_line_holds_no_character_that_acts_on_a_terminal() -> None:
    content = json.dumps({"a": "\x1b[31m"}, ensure_ascii=False).encode() + b"\r\n\x1b\xff"
    request = WireRequest(
        method="POST", path="/", url="http://127.0.0.1/", headers={}, content=content
    )

    assert curl(request, {}).isprintable()
