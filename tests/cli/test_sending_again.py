"""`show --as`: what it prints is run by a person, so it sends the request and does nothing else."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from perfectcv_traffic.admin import page
from perfectcv_traffic.render.replay import FORMS, LEFT_OUT

Received = list[bytes]

SECRETS = {"TOKEN": "s3cret", "COOKIE": "a=b", "API_KEY": "key", "PROXY_TOKEN": "p"}


@pytest.fixture(name="server")
def _server() -> Iterator[tuple[str, Received]]:
    """Address of a server that answers 204 to every request, and the bytes that it got."""
    got: Received = []

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(30)
                    got.append(_request(connection))
                    connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=serve, args=(listener,))
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", got
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def _request(connection: socket.socket) -> bytes:
    """Head and body of one request."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    sizes = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    size = int(sizes[0].partition(b":")[2]) if sizes else 0
    while len(body) < size:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


Again = Callable[..., bytes]


@pytest.fixture(name="again", params=["curl", "httpx"])
def _again(request: pytest.FixtureRequest, tmp_path: Path, server: tuple[str, Received]) -> Again:
    """Run what is printed of a recorded request: what the server received."""
    if request.param == "curl" and os.name == "nt":
        pytest.skip("a shell of Windows hands no bytes on but those of its code page")
    if request.param == "curl" and not (shutil.which("curl") and shutil.which("bash")):
        assert os.environ.get("CI") != "true", "curl or bash is not there"
        pytest.skip("curl or bash is not there")
    address, got = server
    recorded = {
        "method": "GET", "url": f"{address}/a", "path": "/a", "query_params": "",
        "status_code": 200, "request_headers": {}, "request_body": None, "token_scheme": None,
    }  # fmt: skip

    def run(query: str = "", **fields: object) -> bytes:
        row = {**recorded, "url": f"{address}/a{query}", **fields}
        text = FORMS[request.param]({**row, "request_headers": json.dumps(row["request_headers"])})
        assert all(char.isprintable() or char == "\n" for char in text)
        command = ["bash", "-c"] if request.param == "curl" else [sys.executable, "-c"]
        done = subprocess.run(
            [*command, text], cwd=tmp_path, capture_output=True, check=False, timeout=120,
            env={**os.environ, **SECRETS, "BASE_URL": address},
        )  # fmt: skip
        assert done.returncode == 0, (text, done.stderr)
        return got[-1]

    return run


EVIL = [
    "x$(id > pwned)$TOKEN",
    "x`id > pwned`$TOKEN",
    '";id > pwned;"$TOKEN',
    "';id > pwned;'",
    "\\';id > pwned;#é\x1b[31m$TOKEN",
]


@pytest.mark.parametrize("text", EVIL)
def test_text_of_the_request_is_never_run(again: Again, text: str, tmp_path: Path) -> None:
    headers = {"user-agent": text, "authorization": "[REDACTED]", f"x-{text}": "1"}

    got = again(
        "?q=" + text, request_headers=headers, token_scheme="bearer", method="POST",
        request_body=text,
    )  # fmt: skip

    assert not (tmp_path / "pwned").exists()
    head, _, body = got.partition(b"\r\n\r\n")
    assert body == text.encode()
    assert b"s3cret" not in head.replace(b"Bearer s3cret", b"")
    assert b"authorization: Bearer s3cret" in head


def test_scheme_of_the_record_is_never_run(again: Again, tmp_path: Path) -> None:
    got = again(request_headers={"authorization": "x"}, token_scheme="$(id>pwned)")

    assert not (tmp_path / "pwned").exists()
    assert b"authorization: s3cret" in got


def test_brackets_and_dots_of_a_url_arrive(again: Again) -> None:
    first, _, _ = again("?filter[name]=1&x={2,3}&at=[1-3]").partition(b" HTTP/1.1")

    assert unquote_to_bytes(first) == b"GET /a?filter[name]=1&x={2,3}&at=[1-3]"


def test_head_does_not_wait_for_a_body(again: Again) -> None:
    assert again(method="HEAD", request_body="x").startswith(b"HEAD /a HTTP/1.1")


def test_bytes_of_a_header_arrive_as_they_were_sent(again: Again) -> None:
    sent = {"x-name": "J\xf6rg", "x-utf8": "ö".encode().decode("latin-1"), "x-empty": ""}

    head = again(request_headers=sent).lower()

    assert b"x-name: j\xf6rg" in head
    assert "x-utf8: ö".encode() in head
    assert b"x-empty:" in head


def test_body_arrives_as_it_was_sent(again: Again) -> None:
    body = '{"a": "it\'s\xa0\n\x1b[31m$HOME ö"}'

    assert again(method="POST", request_body=body).endswith(b"\r\n\r\n" + body.encode())


@pytest.mark.parametrize("url", ["/b?x=1", None])
def test_request_of_an_access_log_is_sent_to_the_host_that_is_named(
    again: Again, url: str | None
) -> None:
    assert again(url=url, path="/b", query_params="x=1").startswith(b"GET /b?x=1 HTTP/1.1")


def test_each_secret_has_a_variable_of_its_own(again: Again) -> None:
    head = again(request_headers={"authorization": "*", "cookie": "*", "x-api-key": "*"})

    assert b"authorization: s3cret" in head
    assert b"cookie: a=b" in head
    assert b"x-api-key: key" in head


def test_new_request_does_not_join_the_recorded_run(again: Again) -> None:
    names = ("x-traffic-run", "x-traffic-scenario", "x-request-id", "transfer-encoding")

    head = again(request_headers=dict.fromkeys(names, "chunked")).lower()

    assert not any(name.encode() in head for name in names)


def test_dashboard_leaves_out_the_same_headers() -> None:
    script = (Path(page.__file__).parent / "assets" / "dashboard.js").read_text("utf-8")
    names = re.findall(r"const LEFT_OUT = \[([^]]*)\]", script)

    assert set(re.findall(r'"([^"]+)"', names[0])) == LEFT_OUT
