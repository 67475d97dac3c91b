"""Drafts become requests that HTTP can carry and that reach the operation they name."""

from __future__ import annotations

import email
from random import Random
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
import pytest

from perfectcv_traffic.generate.credential_variants import Presented
from perfectcv_traffic.generate.draft import make_draft
from perfectcv_traffic.generate.encoding import WireRequest, encode
from perfectcv_traffic.generate.openapi import Document
from perfectcv_traffic.generate.operations import parse_operations

BASE = "http://127.0.0.1:1"


def _encoded(
    operation: Any,
    path: str = "/a",
    ids: dict[str, str] | None = None,
    presented: Presented | None = None,
    marks: dict[str, str] | None = None,
) -> WireRequest:
    document = Document("doc", {"paths": {path: {"post": operation}}})
    ((parsed,), _) = parse_operations(document)
    draft = make_draft(document, parsed, Random(0), optional=True)
    return encode(
        draft, base=BASE, ids=ids or {}, presented=presented or Presented(), marks=marks or {}
    )


def _with_parameter(place: str, value: Any, **more: Any) -> Any:
    return {"parameters": [{"name": "p", "in": place, "example": value, **more}]}


def _with_body(media_type: str, value: Any) -> Any:
    return {"requestBody": {"content": {media_type: {"example": value}}}}


@pytest.mark.parametrize(
    ("value", "style", "expected"),
    [
        pytest.param(5, {}, [("p", "5")], id="integer"),
        pytest.param(True, {}, [("p", "true")], id="boolean"),
        pytest.param("a&b=ü /?", {}, [("p", "a&b=ü /?")], id="text"),
        pytest.param(None, {}, [("p", "null")], id="null"),
        pytest.param(["a", 2], {}, [("p", "a"), ("p", "2")], id="list"),
        pytest.param([], {}, [], id="empty-list"),
        pytest.param(["a", 2], {"explode": False}, [("p", "a,2")], id="list-joined"),
        pytest.param(["a", 2], {"style": "pipeDelimited"}, [("p", "a|2")], id="list-piped"),
        pytest.param({"x": 1, "y": 2}, {}, [("x", "1"), ("y", "2")], id="object"),
        pytest.param({"x": 1}, {"style": "deepObject"}, [("p[x]", "1")], id="deep-object"),
        pytest.param({"x": 1, "y": 2}, {"explode": False}, [("p", "x,1,y,2")], id="object-joined"),
    ],
)
def test_query_parameter_is_written_in_its_style(
    value: Any, style: Any, expected: list[tuple[str, str]]
) -> None:
    request = _encoded(_with_parameter("query", value, **style))
    assert parse_qsl(urlsplit(request.url).query) == expected


def test_parameter_with_a_media_type_is_written_as_json() -> None:
    content = {"application/json": {"example": {"x": [1]}}}
    request = _encoded({"parameters": [{"name": "p", "in": "query", "content": content}]})
    assert parse_qsl(urlsplit(request.url).query) == [("p", '{"x":[1]}')]


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("x", "/a/x/b"),
        ("../c d?e#f", "/a/..%2Fc%20d%3Fe%23f/b"),
        ("..", "/a/%2E%2E/b"),
        (".", "/a/%2E/b"),
        ("ü", "/a/%C3%BC/b"),
        ([1, 2], "/a/1%2C2/b"),
        (None, "/a/null/b"),
    ],
)
def test_path_parameter_stays_one_segment(value: Any, path: str) -> None:
    request = _encoded(_with_parameter("path", value), path="/a/{p}/b")
    assert (request.path, request.url) == (path, BASE + path)


def test_harvested_id_goes_before_the_made_value() -> None:
    request = _encoded(_with_parameter("path", "made"), path="/a/{p}", ids={"p": "real"})
    assert request.path == "/a/real"


def test_fixed_part_of_a_path_is_quoted_but_not_twice() -> None:
    assert _encoded({}, path="/a b/%41?x").path == "/a%20b/%41%3Fx"


def test_header_parameter_is_made_fit_for_http() -> None:
    request = _encoded(_with_parameter("header", " ü\r\nX: y, z "))
    assert request.headers == {"p": "%C3%BC%0D%0AX: y, z"}


def test_marks_and_credentials_replace_header_parameters_in_any_case() -> None:
    request = _encoded(_with_parameter("header", "made"), marks={"P": "mark"})
    assert request.headers == {"P": "mark"}


def test_cookies_join_made_values_and_credential() -> None:
    request = _encoded(_with_parameter("cookie", "a;b"), presented=Presented(cookies={"k": "key"}))
    assert request.headers == {"Cookie": "p=a%3Bb; k=key"}


def test_credential_in_the_query_follows_the_parameters() -> None:
    request = _encoded(_with_parameter("query", 1), presented=Presented(query={"k": "a b"}))
    assert request.url == f"{BASE}/a?p=1&k=a+b"
    assert request.path == "/a"


@pytest.mark.parametrize(
    ("media_type", "value", "content"),
    [
        ("application/json", {"a": [None, 1]}, b'{"a":[null,1]}'),
        ("application/json", "text", b'"text"'),
        ("application/vnd.api+json", "text", b'"text"'),
        ("application/x-www-form-urlencoded", {"a": "x y", "b": [1, None]}, b"a=x+y&b=1&b=null"),
        ("application/x-www-form-urlencoded", None, b"null"),
        ("text/plain", "text", b"text"),
        ("text/plain", {"a": 1}, b'{"a":1}'),
    ],
)
def test_body_is_written_in_its_media_type(media_type: str, value: Any, content: bytes) -> None:
    request = _encoded(_with_body(media_type, value))
    assert request.headers == {"Content-Type": media_type}
    assert request.content == content


def test_file_is_a_part_with_a_name_in_a_multipart_body() -> None:
    binary = {"type": "string", "format": "binary"}
    schema = {"properties": {"file": binary, "note": {"example": "n"}}}
    request = _encoded({"requestBody": {"content": {"multipart/form-data": {"schema": schema}}}})
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + (request.content or b""))
    parts = [part for part in message.walk() if not part.is_multipart()]
    named = {part.get_param("name", header="content-disposition"): part for part in parts}
    assert named["file"].get_filename() == "file.bin"
    assert named["note"].get_filename() is None
    assert named["note"].get_payload() == "n"


def test_optional_body_is_left_out_of_a_bare_request() -> None:
    content = {"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}}
    document = Document("doc", {"paths": {"/a": {"post": content}}})
    ((parsed,), _) = parse_operations(document)
    draft = make_draft(document, parsed, Random(0))
    request = encode(draft, base=BASE, ids={}, presented=Presented(), marks={})
    assert (request.content, request.headers) == (None, {})


def test_request_hides_what_may_be_secret() -> None:
    presented = Presented(headers={"A": "s3cret"}, query={"q": "s3cret"}, cookies={"c": "s3cret"})
    request = _encoded(_with_body("application/json", "s3cret"), presented=presented)
    assert msgspec.json.decode(request.content or b"") == "s3cret"
    assert "s3cret" not in repr(request)


@pytest.mark.parametrize(("explode", "expected"), [(False, "x,1,y,2"), (True, "x=1,y=2")])
def test_object_in_a_path_or_header_is_written_in_the_style_simple(
    explode: bool, expected: str
) -> None:
    value = {"x": 1, "y": 2}

    in_path = _encoded(_with_parameter("path", value, explode=explode), path="/a/{p}")
    in_header = _encoded(_with_parameter("header", value, explode=explode))

    assert unquote(urlsplit(in_path.url).path) == f"/a/{expected}"
    assert in_header.headers["p"] == expected
