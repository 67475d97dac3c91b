"""What the OpenAPI document says, the demo does; where it does not, a documented flaw says so."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx
import jwt
import pytest

from perfectcv_traffic.demo.app import create_app
from perfectcv_traffic.demo.flaws import FLAWS
from perfectcv_traffic.demo.payments import sign_event
from perfectcv_traffic.demo.security import issue_token
from perfectcv_traffic.demo.state import DEMO_API_KEY

USER_ID, ADMIN_ID, UNKNOWN_ID = 1, 2, 999_999
DOCUMENT = create_app(latency=0).openapi()

OpenDemo = Callable[..., Callable[..., httpx.Response]]


class Operation(NamedTuple):
    """One operation of the document."""

    method: str
    path: str
    spec: dict[str, Any]

    @property
    def scheme(self) -> str | None:
        return next((scheme for need in self.spec.get("security", ()) for scheme in need), None)

    @property
    def scopes(self) -> list[str]:
        return [scope for need in self.spec.get("security", ()) for scope in need[self.scheme]]

    @property
    def body(self) -> tuple[str, dict[str, Any]]:
        content: dict[str, Any] = self.spec.get("requestBody", {}).get("content", {"": {}})
        return next(iter(content.items()))

    @property
    def query(self) -> dict[str, Any]:
        declared = [part for part in self.spec.get("parameters", ()) if part["in"] == "query"]
        return {part["name"]: example_of(part["schema"]) for part in declared}

    @property
    def rules(self) -> set[str]:
        return {flaw.rule for flaw in FLAWS if (flaw.method, flaw.path) == self[:2]}

    def address(self, path_value: object = 1) -> str:
        return re.sub(r"\{\w+\}", str(path_value), self.path)


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return resolve(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    return schema


def branches(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [resolve(branch) for branch in resolve(schema).get("anyOf", [schema])]


def is_nullable(schema: dict[str, Any]) -> bool:
    return any(branch.get("type") == "null" for branch in branches(schema))


def not_null(schema: dict[str, Any]) -> dict[str, Any]:
    return next(branch for branch in branches(schema) if branch.get("type") != "null")


def example_of(schema: dict[str, Any]) -> Any:
    if "examples" in resolve(schema):
        return resolve(schema)["examples"][0]
    schema = not_null(schema)
    if schema["type"] == "array":
        return [example_of(schema["items"])]
    return {name: example_of(part) for name, part in schema["properties"].items()}


def parts(schema: dict[str, Any], value: Any) -> Iterator[tuple[Any, dict[str, Any], Any]]:
    """The members or items of `value`: key, schema, value."""
    schema = not_null(schema)
    if isinstance(value, dict):
        yield from ((name, schema["properties"][name], part) for name, part in value.items())
    if isinstance(value, list):
        yield from ((index, schema["items"], part) for index, part in enumerate(value))


def with_nulls(schema: dict[str, Any], value: Any) -> Iterator[tuple[str, bool, Any]]:
    """Each place of `value` in turn as null: where, whether the schema allows it, the whole."""
    yield "", is_nullable(schema), None
    for key, inner, part in parts(schema, value):
        for where, is_allowed, hole in with_nulls(inner, part):
            changed = copy.copy(value)
            changed[key] = hole
            yield f"/{key}{where}", is_allowed, changed


def forbidden_nulls(schema: dict[str, Any], value: Any) -> Iterator[str]:
    if value is None and not is_nullable(schema):
        yield ""
    for key, inner, part in parts(schema, value):
        yield from (f"/{key}{where}" for where in forbidden_nulls(inner, part))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def credentials(operation: Operation) -> dict[str, str]:
    if operation.scheme == "APIKeyHeader":
        return {"X-API-Key": DEMO_API_KEY}
    if operation.scheme is None:
        return {}
    return bearer(issue_token(ADMIN_ID if operation.scopes else USER_ID))


def request_of(operation: Operation) -> dict[str, Any]:
    """A request made of nothing but the examples of the document."""
    request: dict[str, Any] = {"params": operation.query, "headers": credentials(operation)}
    media, content = operation.body
    if media == "application/json":
        request |= json_body(request["headers"], example_of(content["schema"]))
    if media == "application/x-www-form-urlencoded":
        request["data"] = content["example"]
    if media == "multipart/form-data":
        request["files"] = {"file": ("resume.txt", b"Ada Lovelace", "text/plain")}
    return request


def json_body(headers: dict[str, str], value: Any) -> dict[str, Any]:
    content = json.dumps(value).encode()
    signed = {"Content-Type": "application/json", "X-Signature": sign_event(content)}
    return {"content": content, "headers": headers | signed}


def refused_credentials(operation: Operation) -> dict[str, dict[str, str]]:
    """What must be refused, by name."""
    if operation.scheme == "APIKeyHeader":
        keys = {"none": {}, "as bearer": bearer(DEMO_API_KEY)}
        return keys | {key: {"X-API-Key": key} for key in ("garbage", "", "clé")}
    valid = issue_token(USER_ID)
    claims = jwt.decode(valid, options={"verify_signature": False})
    values = {
        "empty": "Bearer ",
        "garbage": "Bearer garbage",
        "looks like a JWT": "Bearer a.b.c",
        "expired": f"Bearer {issue_token(USER_ID, seconds=-60)}",
        "forged": f"Bearer {issue_token(USER_ID, secret='another secret' * 4)}",
        "unsigned": f"Bearer {jwt.encode(claims, '', algorithm='none')}",
        "unknown subject": f"Bearer {issue_token(UNKNOWN_ID)}",
        "other scheme": f"Token {valid}",
        "basic": "Basic YWRhOmFkYQ==",
        "no scheme": valid,
    }
    return {"none": {}} | {name: {"Authorization": value} for name, value in values.items()}


def accepted_by_flaw(operation: Operation) -> set[str]:
    """Which of the refused credentials the operation's flaw lets through."""
    every = set(refused_credentials(operation))
    if "PT101" in operation.rules:
        return every
    not_a_token = {"none", "empty", "other scheme", "basic", "no scheme"}
    return every - not_a_token if "PT102" in operation.rules else set()


OPERATIONS = [
    Operation(method.upper(), path, spec)
    for path, methods in DOCUMENT["paths"].items()
    for method, spec in methods.items()
]
SECURED = [operation for operation in OPERATIONS if operation.scheme]


def each(operations: list[Operation]) -> pytest.MarkDecorator:
    names = [f"{operation.method} {operation.path}" for operation in operations]
    return pytest.mark.parametrize("operation", operations, ids=names)


with_and_without_flaws = pytest.mark.parametrize("flaws", [True, False], ids=["flawed", "twin"])


def test_document_has_unique_operations_and_uses_every_declared_scheme() -> None:
    ids = [operation.spec["operationId"] for operation in OPERATIONS]

    assert DOCUMENT["openapi"].startswith("3.")
    assert len(ids) == len(set(ids))
    assert 30 <= len(ids) <= 40
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert {operation.scheme for operation in SECURED} == set(schemes)


def test_document_declares_where_tokens_come_from_and_where_keys_go() -> None:
    schemes = DOCUMENT["components"]["securitySchemes"]

    assert schemes["OAuth2PasswordBearer"]["type"] == "oauth2"
    assert schemes["OAuth2PasswordBearer"]["flows"]["password"]["tokenUrl"] in DOCUMENT["paths"]
    assert schemes["APIKeyHeader"] == {"type": "apiKey", "in": "header", "name": "X-API-Key"}


def test_document_is_the_same_without_flaws() -> None:
    assert create_app(flaws=False).openapi() == DOCUMENT


@with_and_without_flaws
@each(OPERATIONS)
def test_example_request_succeeds_and_answers_null_only_where_allowed_except_the_flaw(
    operation: Operation, flaws: bool, open_demo: OpenDemo
) -> None:
    demo = open_demo(flaws=flaws)
    answer = demo(operation.method, operation.address(), **request_of(operation))

    assert answer.is_success, answer.text
    documented = operation.spec["responses"][str(answer.status_code)].get("content")
    content = documented.items() if documented else ()
    wrong = [
        where for _, media in content for where in forbidden_nulls(media["schema"], answer.json())
    ]
    assert bool(wrong) == (flaws and "PT203" in operation.rules), wrong


@with_and_without_flaws
@each(SECURED)
def test_secured_operation_refuses_bad_credentials_except_the_flaw(
    operation: Operation, flaws: bool, open_demo: OpenDemo
) -> None:
    demo, request = open_demo(flaws=flaws), request_of(operation)
    kept = {name: text for name, text in request["headers"].items() if name == "Content-Type"}
    accepted = set()
    for name, headers in refused_credentials(operation).items():
        # Bytes: httpx refuses header text that is not ASCII.
        sent = {key: text.encode("latin-1") for key, text in (kept | headers).items()}
        answer = demo(operation.method, operation.address(), **request | {"headers": sent})
        if answer.status_code != 401 or "WWW-Authenticate" not in answer.headers:
            accepted.add(name)

    assert accepted == (accepted_by_flaw(operation) if flaws else set())


@each(SECURED)
def test_secured_operation_refuses_before_it_looks_at_the_rest(
    operation: Operation, open_demo: OpenDemo
) -> None:
    demo = open_demo(flaws=False)

    for path_value in (UNKNOWN_ID, "null"):
        address = operation.address(path_value)
        assert demo(operation.method, address, json={"unexpected": None}).status_code == 401


@each([operation for operation in SECURED if operation.scopes])
def test_admin_operation_with_an_ordinary_token_is_403(
    operation: Operation, open_demo: OpenDemo
) -> None:
    headers = bearer(issue_token(USER_ID))

    assert open_demo()(operation.method, operation.address(), headers=headers).status_code == 403


@with_and_without_flaws
@each([operation for operation in OPERATIONS if operation.body[0] == "application/json"])
def test_null_in_a_body_is_refused_where_forbidden_and_handled_where_allowed_except_the_flaw(
    operation: Operation, flaws: bool, open_demo: OpenDemo
) -> None:
    schema, headers = operation.body[1]["schema"], credentials(operation)
    crashed = set()
    for where, is_allowed, body in with_nulls(schema, example_of(schema)):
        demo = open_demo(flaws=flaws)
        answer = demo(operation.method, operation.address(), **json_body(headers, body))
        if answer.status_code >= 500:
            crashed.add(where)
        else:
            assert answer.is_success if is_allowed else answer.status_code == 422, where

    assert crashed == ({"/tone"} if flaws and "PT201" in operation.rules else set())


@with_and_without_flaws
@pytest.mark.parametrize("text", ["null", "None", "", "undefined"])
@each([operation for operation in OPERATIONS if operation.query])
def test_null_text_in_a_query_never_crashes_except_the_flaw(
    operation: Operation, text: str, flaws: bool, open_demo: OpenDemo
) -> None:
    demo, request = open_demo(flaws=flaws), request_of(operation)
    crashed = set()
    for name in operation.query:
        query = operation.query | {name: text}
        answer = demo(operation.method, operation.address(), **request | {"params": query})
        if answer.status_code >= 500:
            crashed.add(name)

    assert crashed == ({"season"} if flaws and "PT201" in operation.rules else set())
