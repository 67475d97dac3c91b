"""A recorded request as something to run again: curl, httpx, a test.

What was redacted is not known any more: the secrets to put in are left as variables.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from perfectcv_traffic.record import REQUEST_ID_HEADER, RUN_ID_HEADER, SCENARIO_HEADER
from perfectcv_traffic.render.text import visible

Request = Mapping[str, Any]

_LEFT_OUT = frozenset(
    {
        "host", "content-length", "connection", "accept-encoding",
        *(name.lower() for name in (REQUEST_ID_HEADER, RUN_ID_HEADER, SCENARIO_HEADER)),
    }
)  # fmt: skip
"""The client's own, and what would pass the new request off as the recorded one."""
TOKEN = "$TOKEN"
_SECRETS = frozenset({"authorization", "cookie", "x-api-key", "proxy-authorization"})


def curl(request: Request) -> str:
    """A shell command."""
    parts = ["curl", "--request", str(request["method"] or "GET")]
    for name, value in _headers(request).items():
        parts += ["--header", f"{name}: {value}"]
    if request["request_body"]:
        parts += ["--data-raw", str(request["request_body"])]
    return " ".join(map(_quoted, [*parts, _url(request)])) + "\n"


def httpx(request: Request) -> str:
    """A Python script."""
    return (
        f"import os\n\nimport httpx\n\nresponse = {_call(request)}\nprint(response.status_code)\n"
    )


def pytest(request: Request) -> str:
    """A test that expects the status that was recorded."""
    return (
        "import os\n\nimport httpx\n\n\ndef test_recorded_request() -> None:\n"
        f"    response = {_call(request)}\n\n"
        f"    assert response.status_code == {request['status_code']!r}\n"
    )


FORMS: Mapping[str, Callable[[Request], str]] = {"curl": curl, "httpx": httpx, "pytest": pytest}


def _quoted(part: str) -> str:
    """A word for the shell: what acts on a terminal is escaped, a variable is left open."""
    if part.endswith(TOKEN):
        return f'"{part}"'
    if part.isprintable():
        return shlex.quote(part)
    plain = part.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{visible(plain)}'"


def _call(request: Request) -> str:
    headers = ", ".join(f"{name!r}: {_python(value)}" for name, value in _headers(request).items())
    body = f", content={request['request_body'].encode()!r}" if request["request_body"] else ""
    return (
        f"httpx.request({request['method'] or 'GET'!r}, {_url(request)!r},"
        f" headers={{{headers}}}{body})"
    )


def _python(value: str) -> str:
    if TOKEN not in value:
        return repr(value)
    return f"{value.replace(TOKEN, '')!r} + os.environ['TOKEN']"


def _headers(request: Request) -> dict[str, str]:
    stored = request["request_headers"]
    found: dict[str, str] = json.loads(stored) if stored else {}
    return {
        name: _with_variable(name, request["token_scheme"] or "") if name in _SECRETS else value
        for name, value in found.items()
        if name not in _LEFT_OUT
    }


def _with_variable(name: str, scheme: str) -> str:
    is_scheme_told = name.endswith("authorization") and scheme
    return f"{scheme.capitalize()} {TOKEN}" if is_scheme_told else TOKEN


def _url(request: Request) -> str:
    return str(request["url"] or request["path"])
