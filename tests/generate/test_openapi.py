"""Documents are read within bounds, and whatever is wrong with one is said in one line."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from perfectcv_traffic.errors import TargetError
from perfectcv_traffic.generate.openapi import MAX_REFERENCE_HOPS, Document, parse_document

SCHEMAS: dict[str, Any] = {
    "Pet": {"type": "object", "title": "Pet"},
    "Alias": {"$ref": "#/components/schemas/Pet"},
    "a/b~c d": {"type": "string"},
    "Listed": {"oneOf": [{"type": "integer"}, {"type": "null"}]},
    "Endless": {"$ref": "#/components/schemas/Endless"},
}
DOCUMENT = Document("doc.json", {"openapi": "3.1.0", "components": {"schemas": SCHEMAS}})


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        pytest.param({"type": "string"}, {"type": "string"}, id="plain"),
        pytest.param(_reference("Pet"), SCHEMAS["Pet"], id="reference"),
        pytest.param(_reference("Alias"), SCHEMAS["Pet"], id="chain"),
        pytest.param(_reference("a~1b~0c%20d"), {"type": "string"}, id="escaped"),
        pytest.param(_reference("Listed/oneOf/1"), {"type": "null"}, id="list-index"),
        pytest.param(True, {}, id="boolean"),
    ],
)
def test_resolve_follows_local_references(node: Any, expected: Any) -> None:
    assert DOCUMENT.resolve(node) == expected


def test_resolve_keeps_what_stands_beside_a_reference() -> None:
    resolved = DOCUMENT.resolve({**_reference("Alias"), "title": "Mine"})
    assert resolved == {"type": "object", "title": "Mine"}


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        pytest.param(_reference("Endless"), "never ends", id="endless"),
        pytest.param(_reference("Missing"), "points to nothing", id="missing"),
        pytest.param(_reference("Listed/oneOf/9"), "points to nothing", id="index-out-of-range"),
        pytest.param({"$ref": "other.json#/Pet"}, "into the document", id="external"),
        pytest.param({"$ref": 5}, "into the document", id="not-text"),
        pytest.param(["x"], "an object is expected", id="list"),
    ],
)
def test_resolve_of_a_broken_reference_names_document_and_reason(node: Any, reason: str) -> None:
    with pytest.raises(TargetError, match=rf"^doc\.json: .*{reason}"):
        DOCUMENT.resolve(node)


def test_resolve_of_a_long_chain_is_bounded() -> None:
    names = [f"S{number}" for number in range(MAX_REFERENCE_HOPS + 5)]
    chain = {one: {"$ref": f"#/{following}"} for one, following in itertools.pairwise(names)}
    with pytest.raises(TargetError, match="never ends"):
        Document("doc.json", chain).resolve({"$ref": "#/S0"})


def test_document_with_a_byte_order_mark_is_read() -> None:
    content = b'\xef\xbb\xbf{"openapi": "3.0.3", "paths": {}}'
    assert parse_document(content, "doc.json").root["openapi"] == "3.0.3"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param(b"", "is not JSON", id="empty"),
        pytest.param(b"<!doctype html><p>", "is not JSON.*'<!doctype html><p>'", id="html"),
        pytest.param(b"\xff\xfe", "is not JSON", id="bytes"),
        pytest.param(
            b'{"openapi": "3.1.0",\n "paths": {',
            "is not JSON: line 2, column 12: expecting property name .*: the text ends there",
            id="truncated",
        ),
        pytest.param(
            b'{"paths": {}\n "openapi": 3}',
            "line 2, column 2: expecting ',' delimiter: '\"openapi\": 3}'",
            id="comma-missing",
        ),
        pytest.param(b'{"a": ' + b"[" * 100_000, "nested too deeply", id="deep-within"),
        pytest.param(b"[" * 100_000, "nested too deeply", id="deep"),
        pytest.param(b"[1]", "holds JSON but no object", id="list"),
        pytest.param(b'{"a": 1}', "no `openapi` version", id="other-json"),
        pytest.param(b'{"swagger": "2.0"}', "is Swagger '2.0'", id="swagger"),
        pytest.param(b'{"openapi": "4.0.0"}', "version '4.0.0'", id="future"),
        pytest.param(b'{"openapi": 3.1}', "version 3.1", id="number"),
        pytest.param(b'{"openapi": "3.1.0", "paths": []}', "paths that are no object", id="paths"),
    ],
)
def test_unusable_document_is_refused_with_what_was_found(content: bytes, found: str) -> None:
    with pytest.raises(TargetError, match=rf"^doc\.json .*{found}.*give the file or address"):
        parse_document(content, "doc.json")


def test_error_about_untrusted_text_is_one_short_line() -> None:
    with pytest.raises(TargetError) as caught:
        DOCUMENT.resolve({"$ref": "#/\x1b[31m\n" + "x" * 5000})
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 250
