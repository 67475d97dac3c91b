"""Schemas are seen flat and alike in both OpenAPI dialects."""

from __future__ import annotations

from typing import Any

import pytest

from perfectcv_traffic.errors import TargetError
from perfectcv_traffic.generate.openapi import Document
from perfectcv_traffic.generate.schemas import alternatives, flatten, is_null_only, types_of

BASE = {"required": ["a"], "properties": {"a": {"type": "integer"}}, "minimum": 1, "maximum": 9}
DOCUMENT = Document(
    "doc.json",
    {"Base": BASE, "Itself": {"allOf": [{"$ref": "#/Itself"}, {"$ref": "#/Itself"}]}},
)


def test_all_of_is_merged_with_the_stricter_limits() -> None:
    own = {
        "required": ["b"],
        "properties": {"a": {"minimum": 2}, "b": {}},
        "minimum": 5,
        "maximum": 12,
    }
    assert flatten(DOCUMENT, {"title": "T", "allOf": [{"$ref": "#/Base"}, own]}) == {
        "title": "T",
        "required": ["a", "b"],
        "properties": {"a": {"allOf": [{"type": "integer"}, {"minimum": 2}]}, "b": {}},
        "minimum": 5,
        "maximum": 9,
    }


def test_all_of_that_contains_itself_is_refused() -> None:
    with pytest.raises(TargetError, match=r"allOf .* cannot be merged"):
        flatten(DOCUMENT, {"$ref": "#/Itself"})


@pytest.mark.parametrize(
    ("schema", "types"),
    [
        pytest.param({"type": "string"}, ("string",), id="3.0"),
        pytest.param({"type": "string", "nullable": True}, ("string", "null"), id="3.0-nullable"),
        pytest.param({"type": ["string", "null"]}, ("string", "null"), id="3.1-nullable"),
        pytest.param({"properties": {}}, ("object",), id="implied-object"),
        pytest.param({"items": {}}, ("array",), id="implied-array"),
        pytest.param({}, (), id="any"),
        pytest.param({"type": [{}, 5, "null"]}, ("null",), id="nonsense"),
    ],
)
def test_types_are_read_in_every_spelling(schema: Any, types: tuple[str, ...]) -> None:
    assert types_of(schema) == types


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"anyOf": [1], "oneOf": [2]}, (1,)),
        ({"oneOf": [2]}, (2,)),
        ({"anyOf": []}, ()),
        ({"anyOf": "x"}, ()),
    ],
)
def test_alternatives_come_from_any_of_before_one_of(schema: Any, expected: Any) -> None:
    assert alternatives(schema) == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "null"}, True),
        ({"enum": [None]}, True),
        ({"type": ["null"]}, False),
        (True, False),
    ],
)
def test_null_only_alternative_is_told_from_others(schema: Any, expected: bool) -> None:
    assert is_null_only(schema) is expected
