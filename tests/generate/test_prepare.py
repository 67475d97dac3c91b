"""The document is found or its absence explained, and a login yields a token or one clear line."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from fastapi import FastAPI, Form, HTTPException

from perfectcv_traffic.errors import StorageError, TargetError, TrafficError, UsageError
from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.login import token_address
from perfectcv_traffic.generate.openapi import Document
from perfectcv_traffic.generate.options import Options
from perfectcv_traffic.generate.prepare import Prepared, prepare
from perfectcv_traffic.generate.security import SchemeKind, SecurityScheme
from perfectcv_traffic.generate.selection import Selection
from perfectcv_traffic.generate.send import Sender
from perfectcv_traffic.generate.setup_sender import Setup
from perfectcv_traffic.generate.target import parse_target

Serve = Callable[[Any], contextlib.AbstractContextManager[str]]
RawServer = Callable[[bytes | None], str]
Seen = list[dict[str, Any]]


def _prepare(
    url: str,
    options: Options | None = None,
    credentials: Credentials | None = None,
) -> Prepared:
    async def perform() -> Prepared:
        async with Sender(timeout=5) as sender:
            setup = Setup(sender=sender, run_id="r", allow_hosts=())
            return await prepare(
                setup, parse_target(url), options or Options(), credentials or Credentials()
            )

    return asyncio.run(perform())


@pytest.mark.parametrize("place", ["/openapi.json", "/api/v1/openapi.json"])
def test_document_is_found_where_fastapi_projects_keep_it(serve: Serve, place: str) -> None:
    app = FastAPI(openapi_url=place)
    app.get("/x")(lambda: None)
    with serve(app) as url:
        assert _prepare(url).document.source == url + place


def test_document_is_found_behind_a_page_for_every_path(serve: Serve) -> None:
    app = FastAPI(openapi_url="/api/v1/openapi.json")
    app.get("/{path:path}")(lambda path: path)
    with serve(app) as url:
        assert _prepare(url).document.source == f"{url}/api/v1/openapi.json"


def test_document_is_read_from_a_file_or_another_url(api: str, tmp_path: Path, seen: Seen) -> None:
    file = tmp_path / "openapi.json"
    root = {"openapi": "3.0.0", "paths": {"/x": {"get": {}}}}
    file.write_bytes(msgspec.json.encode(root))
    prepared = _prepare(api, Options(openapi=str(file)))
    assert [pair.key for pair in prepared.pairs] == [("GET /x", "valid")]
    assert seen == []
    assert _prepare(api, Options(openapi=f"{api}/openapi.json")).base == api


def test_target_that_does_not_answer_is_named_with_the_reason(closed_address: str) -> None:
    with pytest.raises(TargetError) as caught:
        _prepare(closed_address)
    assert str(caught.value) == (
        f"{closed_address} did not answer (connection refused): start the API or give its address"
    )


def test_target_without_tls_is_told_apart_from_one_that_is_not_there(
    raw_server: RawServer,
) -> None:
    address = raw_server(b"HTTP/1.1 400 Bad Request\r\n\r\n").replace("http:", "https:")
    with pytest.raises(TargetError, match=r"did not answer \(no TLS there\): write http://$"):
        _prepare(address)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b"garbage\r\n\r\n", r"did not answer \(answer is not valid HTTP\)"),
        (
            b"HTTP/1.1 404 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            "/openapi.json answered 404",
        ),
        (
            b"HTTP/1.1 307 No\r\nLocation: https://x/y?secret\r\nContent-Length: 0\r\n\r\n",
            r"answered 307, a redirect to 'https://x/y', and none is followed: give the address",
        ),
        (
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\n<p>",
            "/openapi.json is not JSON",
        ),
        (
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
            "no `openapi` version",
        ),
        (
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\n{",
            "did not answer whole",
        ),
    ],
    ids=["garbage", "missing", "redirect", "html", "other-json", "broken-off"],
)
def test_target_without_document_is_told_what_was_found(
    raw_server: RawServer, answer: bytes, found: str
) -> None:
    with pytest.raises(TargetError, match=found):
        _prepare(raw_server(answer))


def test_document_file_that_is_not_there_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"none\.json cannot be read \(No such file"):
        _prepare("http://127.0.0.1:9", Options(openapi=str(tmp_path / "none.json")))


def test_document_on_another_host_is_refused() -> None:
    with pytest.raises(UsageError, match=r"192\.0\.2\.1 is 192\.0\.2\.1, not this machine"):
        _prepare("http://127.0.0.1:9", Options(openapi="http://192.0.2.1/openapi.json"))


@pytest.mark.parametrize(
    ("paths", "options", "message"),
    [
        ({}, Options(), "has no operation that a scenario applies to"),
        ({"/a": {"get": {}}}, Options(scenarios=("no_token",)), "has no operation"),
        ({"/a": {"post": {}}}, Options(), r"left out: writes are not allowed \(1\): allow some"),
        (
            {"/logout": {"get": {}}, "/password": {"get": {}}},
            Options(selection=Selection(exclude=("GET",))),
            r"left out: excluded \(2\)",
        ),
    ],
)
def test_document_with_nothing_to_send_is_an_error_with_the_reasons(
    tmp_path: Path, paths: Any, options: Options, message: str
) -> None:
    file = tmp_path / "openapi.json"
    file.write_bytes(msgspec.json.encode({"openapi": "3.1.0", "paths": paths}))
    given = {name: getattr(options, name) for name in ("scenarios", "selection")}
    with pytest.raises(TrafficError, match=message):
        _prepare("http://127.0.0.1:9", Options(openapi=str(file), **given))


LOGIN = Credentials(username="user", password="a-valid-password-of-the-tests")


def test_login_yields_a_token_and_is_marked_as_setup(
    api: str, seen: Seen, secrets: tuple[str, ...]
) -> None:
    prepared = _prepare(api, credentials=LOGIN)
    assert prepared.credentials.token in secrets
    assert [(one["method"], one["path"]) for one in seen] == [
        ("GET", "/openapi.json"),
        ("POST", "/auth/token"),
    ]
    marks = [(one["headers"]["x-request-id"], one["headers"]["x-traffic-scenario"]) for one in seen]
    assert marks == [("r-setup-1", "setup"), ("r-setup-2", "setup")]


def test_given_token_needs_no_login(api: str, seen: Seen) -> None:
    _prepare(api, credentials=Credentials(token="t", username="u", password="p"))
    assert [one["path"] for one in seen] == ["/openapi.json"]


def test_refused_login_says_where_and_not_with_what(api: str) -> None:
    with pytest.raises(TargetError) as caught:
        _prepare(api, credentials=Credentials(username="user", password="wr0ng"))
    assert str(caught.value) == (
        f"login at {api}/auth/token answered 401 without a token at /access_token:"
        " check name and password, or --token-pointer"
    )


def test_login_answer_is_not_repeated_in_errors(serve: Serve) -> None:
    app = FastAPI()

    @app.post("/t")
    def log_in(password: Annotated[str, Form()]) -> None:
        raise HTTPException(400, detail=f"bad {password}")

    with serve(app) as url:
        document = Document("doc", {"paths": {}})
        assert token_address(document, url, [_oauth2("t")]) == f"{url}/t"
    with serve(_with_scheme(app, "t")) as url, pytest.raises(TargetError) as caught:
        _prepare(url, credentials=Credentials(username="user", password="wr0ng"))
    chain = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert "wr0ng" not in "".join(repr(one) for one in chain)


def test_user_without_a_place_to_log_in_is_a_usage_error(serve: Serve) -> None:
    with serve(FastAPI()) as url, pytest.raises(UsageError, match="names no tokenUrl"):
        _prepare(url, credentials=LOGIN)


@pytest.mark.parametrize(
    ("token_url", "paths", "expected"),
    [
        ("token", {}, "http://h/token"),
        ("/api/token", {}, "http://h/api/token"),
        ("token", {"/api/v1/token": {}}, "http://h/api/v1/token"),
        ("token", {"/token": {}, "/api/v1/token": {}}, "http://h/token"),
        ("https://other/token", {}, "https://other/token"),
        (None, {}, None),
    ],
)
def test_token_url_is_joined_to_the_base_or_the_document(
    token_url: str | None, paths: Any, expected: str | None
) -> None:
    document = Document("http://h/api/v1/openapi.json", {"paths": paths})
    assert token_address(document, "http://h", [_oauth2(token_url)]) == expected


def test_login_on_another_host_is_refused(serve: Serve) -> None:
    app = _with_scheme(FastAPI(), "http://192.0.2.1/token")
    with serve(app) as url, pytest.raises(UsageError, match="not this machine"):
        _prepare(url, credentials=LOGIN)


def test_basic_credentials_need_no_login(serve: Serve) -> None:
    app = _with_scheme(FastAPI(), "t", {"type": "http", "scheme": "basic"})
    with serve(app) as url:
        assert _prepare(url, credentials=LOGIN).credentials == LOGIN


@pytest.mark.parametrize(
    ("token_url", "message"),
    [
        ("http://[x", "its tokenUrl is not a URL"),
        ("http://127.0.0.1:1/t", r"login at http://127\.0\.0\.1:1/t failed \(connection refused\)"),
    ],
)
def test_login_that_cannot_be_asked_is_a_target_error(
    serve: Serve, token_url: str, message: str
) -> None:
    with (
        serve(_with_scheme(FastAPI(), token_url)) as url,
        pytest.raises(TargetError, match=message),
    ):
        _prepare(url, credentials=LOGIN)


def _oauth2(token_url: str | None) -> SecurityScheme:
    return SecurityScheme(name="o", kind=SchemeKind.BEARER, token_url=token_url)


def _with_scheme(app: FastAPI, token_url: str, scheme: Any = None) -> FastAPI:
    """`app` with a document that declares a password login at `token_url`, or `scheme`."""
    password = {"type": "oauth2", "flows": {"password": {"tokenUrl": token_url, "scopes": {}}}}
    schemes = {"o": scheme or password}
    paths: dict[str, Any] = {"/x": {"get": {}}}
    app.openapi_schema = {
        **app.openapi(),
        "paths": paths,
        "components": {"securitySchemes": schemes},
    }
    return app
