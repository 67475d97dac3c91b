"""Nulls of an answer: each place once, whatever names an object has and however deep it is."""

from __future__ import annotations

from typing import Any

import pytest

from perfectcv_traffic.generate.nullability import Nullability
from perfectcv_traffic.generate.openapi import Document

NOWHERE = Document("doc.json", {})


def _forbidden(schema: Any, value: Any) -> list[tuple[str | int, ...]]:
    return Nullability(NOWHERE, schema).forbidden(value)


def test_names_that_the_schema_does_not_tell_are_one_place() -> None:
    schema = {
        "type": "object",
        "properties": {"named": {"type": "string"}},
        "additionalProperties": {"type": "number"},
    }
    prices: dict[str, float | None] = {f"key {number}": None for number in range(300)}

    assert _forbidden(schema, {**prices, "named": None}) == [("*",), ("named",)]


def test_places_in_a_map_of_lists_are_found() -> None:
    item = {"type": "object", "properties": {"a": {"type": "string"}}}
    schema = {
        "type": "object",
        "additionalProperties": {"type": "array", "items": item},
    }

    assert _forbidden(schema, {"x": [{"a": "b"}, {"a": None}], "y": []}) == [("*", "*", "a")]


@pytest.mark.parametrize("depth", [10, 5000])
def test_answer_may_be_of_any_depth(depth: int) -> None:
    value: Any = None
    for _ in range(depth):
        value = {"a": value}

    assert _forbidden({"type": "object"}, value) == []
