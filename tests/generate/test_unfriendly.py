"""Targets that hang, break off, refuse or overwhelm end in a reason, soon, and never in a crash."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from perfectcv_traffic.errors import TargetError
from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.find import Probed, ProbeOptions, find
from perfectcv_traffic.generate.options import Options
from perfectcv_traffic.generate.probe.budget import RunLimits
from perfectcv_traffic.generate.selection import Selection

Answer = Callable[[bytes], bytes | type[ConnectionError] | None]
Start = Callable[[Answer], str]

PATHS: dict[str, Any] = {f"/p{number}": {"get": {"responses": {}}} for number in range(30)}
DOCUMENT = json.dumps({"openapi": "3.1.0", "paths": PATHS}).encode()


def http(status: int, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def with_document(answer: Answer, document: bytes = DOCUMENT) -> Answer:
    return lambda head: http(200, document) if b"openapi.json" in head else answer(head)


def _find(address: str, **limits: Any) -> Probed:
    options = Options(timeout=0.2, selection=Selection(allow_writes=True))
    return find(address, options, ProbeOptions(limits=RunLimits(**limits)))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda _: b"", id="hangs"),
        pytest.param(lambda _: None, id="closes"),
        pytest.param(lambda _: ConnectionResetError, id="resets"),
        pytest.param(lambda _: b"\x00garbage\r\n\r\n", id="garbage"),
        pytest.param(lambda _: http(500), id="500"),
    ],
)
def test_run_stops_when_nothing_answers_properly(start: Start, answer: Answer) -> None:
    probed = _find(start(with_document(answer)))
    assert probed.findings == ()
    assert probed.stop_reason is not None
    assert "--stop-after" in probed.stop_reason
    assert len(probed.outcomes) <= 41


def test_reset_is_told_as_what_it_is(start: Start) -> None:
    probed = _find(start(with_document(lambda _: ConnectionResetError)))
    assert {one.error for one in probed.outcomes} == {"connection reset"}
    assert {one.status for one in probed.outcomes} == {None}


def test_reset_in_the_middle_of_a_run_costs_no_more_than_that_request(start: Start) -> None:
    def answer(head: bytes) -> bytes | type[ConnectionError]:
        return ConnectionResetError if b" /p7 " in head else http(200)

    probed = _find(start(with_document(answer)))
    assert probed.is_complete
    assert {f"GET {path}" for path in PATHS} - probed.reached == {"GET /p7"}
    assert {one.path for one in probed.outcomes if one.error == "connection reset"} == {"/p7"}


@pytest.mark.parametrize("answer", [http(500), b"garbage\r\n\r\n", b""], ids=["500", "garbage", ""])
def test_document_that_cannot_be_had_is_a_target_error(start: Start, answer: bytes) -> None:
    with pytest.raises(TargetError):
        _find(start(lambda _: answer))


def test_retry_after_is_obeyed(start: Start) -> None:
    refused: list[bytes] = []

    def answer(head: bytes) -> bytes:
        if len(refused) < 2:
            refused.append(head)
            return http(429, Retry_After="0")
        return http(200)

    probed = _find(start(with_document(answer)))
    assert probed.is_complete
    assert len(probed.reached) == len(PATHS)


def test_long_retry_after_stops_the_run_instead_of_waiting(start: Start) -> None:
    answer = http(429, Retry_After="9999")
    probed = _find(start(with_document(lambda _: answer)), max_seconds=30)
    assert probed.stop_reason is not None
    assert "the API asks to wait 60 s (429)" in probed.stop_reason


@pytest.mark.parametrize("method", ["get", "put", "post"])
@pytest.mark.parametrize(("crashes", "found"), [(1, []), (2, ["PT201"])])
def test_request_that_crashes_once_proves_nothing(
    start: Start, crashes: int, found: list[str], method: str
) -> None:
    """As where an object of the same name is there from an earlier run, or a server is busy."""
    header = {"name": "X-Language", "in": "header", "schema": {"type": "string"}}
    once = {"parameters": [header], "responses": {}}
    document = json.dumps({"openapi": "3.1.0", "paths": {"/things": {method: once}}}).encode()
    crashed: list[bytes] = []

    def answer(head: bytes) -> bytes:
        if b"x-language:\r\n" not in head.lower().replace(b": \r\n", b":\r\n"):
            return http(201)
        crashed.append(head)
        return http(500 if len(crashed) <= crashes else 201)

    probed = _find(start(with_document(answer, document)))
    assert [one.rule for one in probed.findings] == found
    assert len(crashed) == 2


def test_wrong_credential_that_crashes_once_proves_nothing(start: Start) -> None:
    scheme = {"b": {"type": "http", "scheme": "bearer"}}
    things: Any = {"/things": {"get": {"responses": {}, "security": [{"b": []}]}}}
    document = {"openapi": "3.1.0", "paths": things, "components": {"securitySchemes": scheme}}
    wrong: list[bytes] = []

    def answer(head: bytes) -> bytes:
        if b"the-right-token" in head and b"Bearer " in head:
            return http(200)
        wrong.append(head)
        return http(503 if len(wrong) == 1 else 401)

    address = start(with_document(answer, json.dumps(document).encode()))
    probed = find(address, Options(), credentials=Credentials(token="the-right-token"))
    assert probed.findings == ()
    assert len(wrong) > 2


def test_number_of_requests_is_a_limit(start: Start) -> None:
    probed = _find(start(with_document(lambda _: http(200))), max_requests=7)
    assert len(probed.outcomes) == 7
    assert probed.stop_reason == "7 requests were sent (--max-requests)"


def test_recursive_document_is_probed_in_bounded_time(start: Start) -> None:
    node = {"$ref": "#/components/schemas/Node"}
    schema = {
        "type": "object",
        "required": ["next"],
        "properties": {"next": node, "all": {"type": "array", "items": node}},
    }
    content = {"content": {"application/json": {"schema": node}}}
    root = {
        "openapi": "3.1.0",
        "paths": {"/a": {"post": {"requestBody": content, "responses": {"200": content}}}},
        "components": {"schemas": {"Node": schema}},
    }
    document = json.dumps(root).encode()
    probed = _find(start(with_document(lambda _: http(422), document)))
    assert probed.is_complete
    assert len(probed.outcomes) < 100


def test_document_of_5_megabytes_is_read(start: Start) -> None:
    described = {"get": {"description": "x" * 5000, "responses": {}}}
    root = {"openapi": "3.0.3", "paths": {f"/p{number}": described for number in range(1000)}}
    address = start(with_document(lambda _: http(200), json.dumps(root).encode()))
    probed = _find(address, max_requests=50)
    assert len(probed.operations) == 1000


def test_document_without_a_usable_operation_says_why(start: Start) -> None:
    root = {"openapi": "3.0.3", "paths": {"/a": {"get": {"parameters": [{"$ref": "#/nope"}]}}}}
    with pytest.raises(TargetError, match="'#/nope' points to nothing"):
        _find(start(with_document(lambda _: http(200), json.dumps(root).encode())))


def _with_schema(schema: dict[str, Any], **schemas: Any) -> bytes:
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    responses = {"200": {"content": {"application/json": {"schema": schema}}}}
    paths = {"/a": {"post": {"requestBody": body, "responses": responses}}, "/b": {"get": {}}}
    return json.dumps(
        {"openapi": "3.1.0", "paths": paths, "components": {"schemas": schemas}}
    ).encode()


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def test_parts_that_double_at_each_level_leave_their_operation_out(start: Start) -> None:
    parts: dict[str, Any] = {
        f"S{n}": {"allOf": [_ref(f"S{n + 1}")] * 2, "properties": {f"p{n}": {}}} for n in range(15)
    }
    document = _with_schema(_ref("S0"), **parts, S15={"type": "object", "properties": {"z": {}}})

    probed = _find(start(with_document(lambda _: http(200, b"{}"), document)))

    (left,) = probed.left_out
    assert (left.method, left.path) == ("POST", "/a")
    assert "too many parts within parts" in left.reason
    assert probed.reached == {"GET /b"}


def test_union_of_itself_says_nothing_and_ends(start: Start) -> None:
    inner = {"type": "object", "properties": {"a": _ref("U")}}
    document = _with_schema(_ref("U"), U={"anyOf": [_ref("U")] * 9 + [inner]})

    probed = _find(start(with_document(lambda _: http(200, b'{"a":{"a":null}}'), document)))

    assert probed.reached == {"POST /a", "GET /b"}
    assert probed.findings == ()
