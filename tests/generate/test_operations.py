"""Documents become plain operations, in an order that does not depend on how they are written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfectcv_traffic.errors import TargetError
from perfectcv_traffic.generate.openapi import Document, Location
from perfectcv_traffic.generate.operations import Operation, parse_operations
from perfectcv_traffic.generate.security import SchemeKind, SecurityScheme, parse_schemes


def _parse(paths: Any, **root: Any) -> dict[str, Operation]:
    operations, _ = parse_operations(Document("doc.json", {"paths": paths, **root}))
    return {operation.key: operation for operation in operations}


def test_operations_of_a_fastapi_document_are_sorted_by_path_and_method(
    api_document: Document,
) -> None:
    operations, broken = parse_operations(api_document)
    assert [one.key for one in operations][:4] == [
        "GET /auth/logout",
        "POST /auth/token",
        "GET /crash",
        "GET /items",
    ]
    assert len(operations) == 14
    assert broken == ()


def test_order_does_not_depend_on_the_order_in_the_document() -> None:
    paths: dict[str, Any] = {"/b": {"post": {}, "get": {}}, "/a": {"delete": {}, "put": {}}}
    turned = {path: dict(reversed(item.items())) for path, item in reversed(paths.items())}
    keys = ["PUT /a", "DELETE /a", "GET /b", "POST /b"]
    assert list(_parse(paths)) == list(_parse(turned)) == keys


def test_parameters_of_the_path_are_joined_and_overridden_by_the_operations() -> None:
    shared = [
        {"name": "id", "in": "path", "schema": {"type": "integer"}},
        {"name": "page", "in": "query", "schema": {"type": "integer"}},
    ]
    own = [{"name": "page", "in": "query", "required": True, "schema": {"type": "string"}}]
    item = {"parameters": shared, "get": {"parameters": own}, "put": {}}
    parsed = _parse({"/a/{id}": item})
    assert {
        (one.name, one.required, one.schema["type"]) for one in parsed["GET /a/{id}"].parameters
    } == {
        ("id", True, "integer"),
        ("page", True, "string"),
    }
    assert {(one.name, one.required) for one in parsed["PUT /a/{id}"].parameters} == {
        ("id", True),
        ("page", False),
    }


def test_path_parameter_that_is_not_declared_is_a_text() -> None:
    (parameter,) = _parse({"/a/{id}": {"get": {}}})["GET /a/{id}"].parameters
    assert (parameter.location, parameter.schema) == (Location.PATH, {"type": "string"})


@pytest.mark.parametrize(
    "name", ["Authorization", "host", "Content-Length", "Cookie", "user-agent"]
)
def test_header_that_the_client_writes_is_no_parameter(name: str) -> None:
    declared = [{"name": name, "in": "header", "required": True}]
    assert _parse({"/a": {"get": {"parameters": declared}}})["GET /a"].parameters == ()


@pytest.mark.parametrize(
    ("security", "is_kept"),
    [
        pytest.param([{"k": []}], False, id="named"),
        pytest.param([{"other": []}], False, id="another-named"),
        pytest.param([], True, id="open"),
    ],
)
def test_parameter_that_repeats_an_api_key_is_left_to_its_scheme(
    security: Any, is_kept: bool
) -> None:
    scheme = {"type": "apiKey", "in": "header", "name": "X-Key"}
    operation = {"security": security, "parameters": [{"name": "x-key", "in": "header"}]}
    parsed = _parse({"/a": {"get": operation}}, components={"securitySchemes": {"k": scheme}})
    assert bool(parsed["GET /a"].parameters) is is_kept


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        ({"text/csv": {}, "application/json": {}}, "application/json"),
        (
            {"multipart/form-data": {}, "application/x-www-form-urlencoded": {}},
            "application/x-www-form-urlencoded",
        ),
        ({"text/csv": {}}, "text/csv"),
    ],
)
def test_body_is_sent_in_the_media_type_that_is_understood_best(
    content: Any, media_type: str
) -> None:
    body = _parse({"/a": {"post": {"requestBody": {"content": content}}}})["POST /a"].body
    assert body is not None
    assert body.media_type == media_type


@pytest.mark.parametrize(
    "media",
    [
        {"schema": {"$ref": "#/S"}, "example": 5},
        {"schema": {"$ref": "#/S"}, "examples": {"first": {"value": 5}, "second": {"value": 6}}},
    ],
)
def test_example_beside_a_schema_is_kept_with_it(media: Any) -> None:
    content = {"requestBody": {"content": {"application/json": media}}}
    body = _parse({"/a": {"post": content}}, S={"type": "integer"})["POST /a"].body
    assert body is not None
    assert body.schema["example"] == 5


@pytest.mark.parametrize(
    ("own", "is_secured", "schemes"),
    [
        pytest.param({}, True, ["global"], id="global"),
        pytest.param({"security": []}, False, [], id="none"),
        pytest.param({"security": [{"one": []}, {"two": []}]}, True, ["one", "two"], id="either"),
        pytest.param({"security": [{"one": [], "two": []}]}, True, ["one", "two"], id="both"),
        pytest.param({"security": [{"one": []}, {}]}, False, ["one"], id="optional"),
    ],
)
def test_security_is_read_with_its_alternatives(
    own: Any, is_secured: bool, schemes: list[str]
) -> None:
    operation = _parse({"/a": {"get": own}}, security=[{"global": []}])["GET /a"]
    assert operation.is_secured is is_secured
    assert [scheme.name for scheme in operation.schemes] == schemes


@pytest.mark.parametrize(
    ("declared", "scheme"),
    [
        (
            {"type": "oauth2", "flows": {"password": {"tokenUrl": "t"}}},
            SecurityScheme(name="s", kind=SchemeKind.BEARER, token_url="t"),
        ),
        ({"type": "openIdConnect"}, SecurityScheme(name="s", kind=SchemeKind.BEARER)),
        ({"type": "http", "scheme": "Bearer"}, SecurityScheme(name="s", kind=SchemeKind.BEARER)),
        ({"type": "http", "scheme": "basic"}, SecurityScheme(name="s", kind=SchemeKind.BASIC)),
        ({"type": "http", "scheme": "digest"}, SecurityScheme(name="s", kind=SchemeKind.OTHER)),
        ({"type": "mutualTLS"}, SecurityScheme(name="s", kind=SchemeKind.OTHER)),
        (
            {"type": "apiKey", "in": "cookie", "name": "c"},
            SecurityScheme(name="s", kind=SchemeKind.API_KEY, location=Location.COOKIE, field="c"),
        ),
    ],
)
def test_scheme_is_read_as_the_way_its_secret_travels(
    declared: Any, scheme: SecurityScheme
) -> None:
    document = Document("doc.json", {"components": {"securitySchemes": {"s": declared}}})
    assert parse_schemes(document) == {"s": scheme}


@pytest.mark.parametrize(
    ("path", "item", "reason"),
    [
        pytest.param("@evil.example/", {"get": {}}, "must begin with /", id="host-in-path"),
        pytest.param("/a\r\nX: y", {"get": {}}, "be printable", id="line-end"),
        pytest.param(
            "/a", {"get": {"parameters": [{"$ref": "#/no"}]}}, "to nothing", id="reference"
        ),
        pytest.param("/a", {"get": {"parameters": {}}}, "a list is expected", id="no-list"),
        pytest.param("/a", {"get": {"parameters": [{"name": "x"}]}}, "in None", id="nowhere"),
        pytest.param("/a", {"get": []}, "an object is expected", id="no-object"),
    ],
)
def test_broken_operation_is_left_out_with_the_reason(path: str, item: Any, reason: str) -> None:
    document = Document("doc.json", {"paths": {path: item, "/good": {"get": {}}}})
    operations, (broken,) = parse_operations(document)
    assert [one.key for one in operations] == ["GET /good"]
    assert (broken.method, broken.path) == ("GET", path)
    assert reason in broken.reason


def test_extension_among_the_paths_is_no_path() -> None:
    document = Document("doc.json", {"paths": {"x-note": "text", "/good": {"get": {}}}})

    assert [one.key for one in parse_operations(document)[0]] == ["GET /good"]
    assert parse_operations(document)[1] == ()


@pytest.mark.parametrize("item", [{"$ref": "other.json#/a"}, None, "text"])
def test_path_that_cannot_be_read_is_left_out_and_the_others_are_not(item: Any) -> None:
    document = Document("doc.json", {"paths": {"/bad": item, "/good": {"get": {}}}})

    operations, (broken,) = parse_operations(document)

    assert [one.key for one in operations] == ["GET /good"]
    assert (broken.method, broken.path) == ("*", "/bad")


def test_scheme_that_is_incomplete_leaves_out_only_what_requires_it() -> None:
    paths = {"/needs": {"get": {"security": [{"key": []}]}}, "/open": {"get": {}}}
    components = {"securitySchemes": {"key": {"type": "apiKey", "name": "k"}}}

    operations, (broken,) = parse_operations(
        Document("doc.json", {"paths": paths, "components": components})
    )

    assert [one.key for one in operations] == ["GET /open"]
    assert (broken.method, broken.path) == ("GET", "/needs")
    assert "says not where its key goes" in broken.reason


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=5,
)
NAMES = st.sampled_from(
    [
        *("/a/{b}", "get", "post", "parameters", "requestBody", "content", "application/json"),
        *("schema", "example", "examples", "security", "name", "in", "query", "$ref", "flows"),
    ]
)
ODD = st.recursive(
    JSON | NAMES,
    lambda inner: st.dictionaries(NAMES, inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=8,
)


@given(
    item=st.dictionaries(NAMES, ODD, max_size=4), components=st.dictionaries(NAMES, ODD, max_size=2)
)
@settings(deadline=None)
def test_any_json_as_document_gives_operations_or_a_target_error(
    item: Any, components: Any
) -> None:
    root = {"paths": {"/a/{b}": item}, "components": {"securitySchemes": components}}
    try:
        operations, broken = parse_operations(Document("doc.json", root))
    except TargetError:
        return
    unreadable = any(one.method == "*" for one in broken)
    assert unreadable or len(operations) + len(broken) == len({"get", "post"} & item.keys())


def test_answer_that_cannot_be_read_leaves_its_operation_in() -> None:
    good = {"description": "", "content": {"application/json": {"schema": {"type": "object"}}}}
    broken = {"content": {"application/json": {"schema": {}}, "$ref": "errors.json"}}
    parsed = _parse(
        {"/a": {"get": {"responses": {"200": good, "404": {"$ref": "errors.json"}, "4XX": broken}}}}
    )

    assert list(parsed["GET /a"].responses) == ["200"]


@pytest.mark.parametrize(
    "name", ["application/json; charset=utf-8", "application/problem+json", "*/*", "application/*"]
)
def test_answer_in_json_by_another_name_is_one(name: str) -> None:
    responses = {"200": {"content": {name: {"schema": {"type": "object"}}}}}
    parsed = _parse({"/a": {"get": {"responses": responses}}})

    assert parsed["GET /a"].responses == {"200": {"type": "object"}}


def test_body_of_any_media_type_is_sent_as_json() -> None:
    body = {"content": {"*/*": {"schema": {"type": "object"}}}}
    found = _parse({"/a": {"post": {"requestBody": body}}})["POST /a"].body

    assert found is not None
    assert found.media_type == "application/json"


@pytest.mark.parametrize("name", ["@/etc/hostname", "a b", "a:", "é", ""])
def test_header_of_an_impossible_name_is_never_sent(name: str) -> None:
    parameters = [{"name": name, "in": "header"}] if name else []
    parsed = _parse({"/a": {"get": {"parameters": parameters}}})
    scheme = {"type": "apiKey", "in": "header", "name": name}

    assert parsed["GET /a"].parameters == ()
    assert parse_schemes(
        Document("doc.json", {"components": {"securitySchemes": {"key": scheme}}})
    )["key"].flaw
