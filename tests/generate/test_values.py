"""Made values are valid, the same for the same seed, and bounded for any schema."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import uuid
from collections.abc import Mapping
from ipaddress import IPv4Address
from random import Random
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ConfigDict, Field, TypeAdapter, create_model

from perfectcv_traffic.errors import TargetError
from perfectcv_traffic.generate.formats import FORMATS
from perfectcv_traffic.generate.openapi import Document
from perfectcv_traffic.generate.values import MAX_VALUES, make_value

EMPTY = Document("doc.json", {"openapi": "3.1.0"})

NUMBERS = st.integers(-1000, 1000)
LENGTHS = st.tuples(st.integers(0, 12), st.integers(0, 12)).map(sorted)


def _limited(kind: type, limits: Mapping[str, Any]) -> Any:
    return Annotated[kind, Field(**limits)]


def _of(generic: Any, *arguments: Any) -> Any:
    return generic[arguments]


def _windows(kind: type) -> st.SearchStrategy[Any]:
    """A numeric type between inclusive or exclusive bounds, or open at one side."""
    inclusive = st.builds(
        lambda low, width: {"ge": low, "le": low + width}, NUMBERS, st.integers(0, 50)
    )
    exclusive = st.builds(
        lambda low, width: {"gt": low, "lt": low + width}, NUMBERS, st.integers(2, 50)
    )
    half_open = st.one_of(
        *(
            st.builds(lambda bound, name=name: {name: bound}, NUMBERS)
            for name in ("ge", "gt", "le", "lt")
        )
    )
    return st.one_of(inclusive, exclusive, half_open, st.just({})).map(
        lambda limits: _limited(kind, limits)
    )


SCALARS: st.SearchStrategy[Any] = st.one_of(
    _windows(int),
    _windows(float),
    st.builds(lambda step: _limited(int, {"multiple_of": step, "ge": -7}), st.integers(1, 30)),
    LENGTHS.map(lambda pair: _limited(str, {"min_length": pair[0], "max_length": pair[1]})),
    st.lists(st.one_of(st.text(max_size=5), NUMBERS), min_size=1, max_size=3).map(
        lambda values: Literal[tuple(values)]
    ),
    st.sampled_from([bool, None, str, dt.date, dt.datetime, dt.timedelta, uuid.UUID, IPv4Address]),
)


def _model(fields: Mapping[str, tuple[Any, bool]]) -> Any:
    declared: dict[str, Any] = {
        name: (kind, ...) if required else (kind | None, None)
        for name, (kind, required) in fields.items()
    }
    return create_model("Made", __config__=ConfigDict(extra="forbid"), **declared)


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from(["alpha", "beta", "gamma"])
    return st.one_of(
        st.builds(
            lambda kind, pair: Annotated[
                _of(list, kind), Field(min_length=pair[0], max_length=pair[1])
            ],
            inner,
            LENGTHS,
        ),
        st.builds(lambda kind: _of(dict, str, kind), inner),
        st.builds(lambda kind: kind | None, inner.filter(lambda kind: kind is not None)),
        st.builds(lambda first, second: _of(tuple, first, second), inner, inner),
        st.dictionaries(
            names, st.tuples(inner.filter(lambda kind: kind is not None), st.booleans())
        ).map(_model),
    )


TYPES = st.recursive(SCALARS, _containers, max_leaves=6)


@given(kind=TYPES, seed=st.integers(0, 5), optional=st.booleans())
@settings(deadline=None)
def test_made_value_passes_the_validation_its_schema_was_made_from(
    kind: Any, seed: int, optional: bool
) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    schema = adapter.json_schema(ref_template="#/components/schemas/{model}")
    document = Document("doc.json", {"components": {"schemas": schema.pop("$defs", {})}})
    made = make_value(document, schema, Random(seed), optional=optional)
    adapter.validate_json(msgspec.json.encode(made), strict=True)
    assert made == make_value(document, schema, Random(seed), optional=optional)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param({"type": "string", "example": "x"}, "x", id="example"),
        pytest.param({"type": "string", "examples": ["y", "z"]}, "y", id="examples"),
        pytest.param({"type": "integer", "default": 7}, 7, id="default"),
        pytest.param({"const": {"a": 1}}, {"a": 1}, id="const"),
        pytest.param({"enum": [None, "only"]}, "only", id="enum-prefers-a-value"),
        pytest.param({"enum": [None]}, None, id="enum-of-null"),
        pytest.param({"type": "null"}, None, id="null"),
        pytest.param({"type": ["null", "integer"], "default": 2}, 2, id="type-list"),
        pytest.param({"anyOf": [{"type": "null"}, {"const": 3}]}, 3, id="any-of-prefers-a-value"),
        pytest.param(
            {"type": "integer", "minimum": 4, "exclusiveMinimum": True, "maximum": 5},
            5,
            id="exclusive-flag-of-3.0",
        ),
        pytest.param(
            {"allOf": [{"minimum": 3}, {"type": "integer", "maximum": 3}]}, 3, id="all-of"
        ),
        pytest.param(
            {"type": "array", "items": {"const": 1}, "minItems": 2}, [1, 1], id="min-items"
        ),
        pytest.param({"type": "integer", "minimum": 8, "multipleOf": 5}, 10, id="multiple"),
        pytest.param({"type": "number", "multipleOf": 0.5}, 0.5, id="number-multiple"),
        pytest.param({"type": "number", "minimum": 1e308, "multipleOf": 1e-308}, 1e308, id="huge"),
        pytest.param({"type": "integer", "maximum": 0, "minimum": 0}, 0, id="one-integer"),
        pytest.param({"items": False, "type": "array"}, [], id="no-items"),
        pytest.param(
            {"properties": {"a": {"const": 1}, "b": {"const": 2, "readOnly": True}}},
            {"a": 1},
            id="read-only-is-not-sent",
        ),
    ],
)
def test_value_follows_what_the_author_stated(schema: Any, expected: Any) -> None:
    assert make_value(EMPTY, schema, Random(0), optional=True) == expected


@pytest.mark.parametrize("name", FORMATS)
def test_text_of_a_format_depends_on_the_seed_alone(name: str) -> None:
    schema = {"type": "string", "format": name}
    made = make_value(EMPTY, schema, Random(1))
    assert made == make_value(EMPTY, schema, Random(1))
    assert isinstance(made, str)
    assert made


def test_empty_default_is_passed_over_to_reach_what_is_inside() -> None:
    schema = {"type": "array", "items": {"const": 1}, "default": []}
    assert make_value(EMPTY, schema, Random(0), optional=True) == [1]


def test_unique_items_differ() -> None:
    schema = {"type": "array", "items": {"type": "integer"}, "minItems": 5, "uniqueItems": True}
    assert len(set(make_value(EMPTY, schema, Random(0)))) == 5


def test_optional_parts_are_filled_in_only_when_asked_for() -> None:
    schema = {
        "required": ["a"],
        "properties": {"a": {"const": 1}, "b": {"properties": {"c": {"const": 2}}}},
    }
    assert make_value(EMPTY, schema, Random(0)) == {"a": 1}
    assert make_value(EMPTY, schema, Random(0), optional=True) == {"a": 1, "b": {"c": 2}}


def _recursive(required: list[str], width: int) -> Document:
    itself = {"$ref": "#/components/schemas/Node"}
    node = {
        "type": "object",
        "required": required,
        "properties": {
            "name": {"const": "n"},
            **{f"child{number}": itself for number in range(width)},
            "next": {"anyOf": [itself, {"type": "null"}]},
        },
    }
    return Document("doc.json", {"components": {"schemas": {"Node": node}}})


def _count(value: Any) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(_count(part) for part in parts)


@pytest.mark.parametrize(
    ("required", "width"),
    [
        pytest.param(["name"], 1, id="optional"),
        pytest.param(["name"], 30, id="optional-wide"),
        pytest.param(["next"], 0, id="nullable"),
        pytest.param(["child0", "child1", "child2"], 3, id="impossible"),
    ],
)
def test_recursive_schema_ends(required: list[str], width: int) -> None:
    document = _recursive(required, width)
    schema = {"$ref": "#/components/schemas/Node"}
    assert 1 < _count(make_value(document, schema, Random(0), optional=True)) <= MAX_VALUES * 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
STRUCTURE = ["$ref", "type", "properties", "required", "items", "prefixItems", "allOf", "anyOf"]
LIMITS = ["minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf", "minItems"]
VALUES = ["enum", "const", "default", "example", "examples", "format", "nullable", "uniqueItems"]
SIZES = ["minLength", "maxLength", "maxItems", "minProperties", "additionalProperties", "oneOf"]
KEYWORDS = st.sampled_from([*STRUCTURE, *LIMITS, *VALUES, *SIZES])
TYPE_NAMES = st.sampled_from(["object", "array", "integer", "number", "string", "null", "x"])
ODD_SCHEMAS = st.recursive(
    JSON,
    lambda inner: st.dictionaries(
        KEYWORDS, inner | st.lists(inner, max_size=2), max_size=5
    ).flatmap(lambda made: TYPE_NAMES.map(lambda name: {"type": name} | made)),
    max_leaves=8,
)


@given(schema=ODD_SCHEMAS, optional=st.booleans())
@settings(deadline=None)
def test_any_json_as_schema_gives_a_value_or_a_target_error(schema: Any, optional: bool) -> None:
    with contextlib.suppress(TargetError):
        msgspec.json.encode(make_value(EMPTY, schema, Random(0), optional=optional))


def test_example_that_lacks_required_properties_is_completed() -> None:
    schema = {
        "type": "object",
        "required": ["a", "b"],
        "properties": {"a": {"type": "string"}, "b": {"const": 2}, "c": {"const": 3}},
        "example": {"a": "x"},
    }
    assert make_value(EMPTY, schema, Random(0)) == {"a": "x", "b": 2}


@pytest.mark.parametrize("name", ["passwordConfirm", "password_confirmation", "repeat_password"])
def test_confirmation_repeats_what_it_confirms(name: str) -> None:
    text = {"type": "string"}
    schema = {"type": "object", "properties": {"password": text, name: text, "confirmed": text}}
    made = make_value(EMPTY, schema, Random(0), optional=True)
    assert made[name] == made["password"] != made["confirmed"]


def test_texts_alone_differ_when_only_their_source_does() -> None:
    schema = {"properties": {"kind": {"enum": list(range(99))}, "name": {"type": "string"}}}
    first, second = (
        make_value(EMPTY, schema, Random(0), optional=True, texts=Random(seed)) for seed in (1, 2)
    )
    assert first["kind"] == second["kind"]
    assert first["name"] != second["name"]


def test_number_between_the_largest_floats_is_one() -> None:
    schema = {"type": "number", "minimum": -1.7e308, "maximum": 1.7e308}

    assert all(
        math.isfinite(make_value(Document("d", {}), schema, Random(seed))) for seed in range(20)
    )


@pytest.mark.parametrize(
    ("pattern", "expected"), [(r"^\ud83d\ude00$", "\N{GRINNING FACE}"), (r"^\ud83d$", str)]
)
def test_pattern_beyond_16_bits_gives_a_text_that_can_be_sent(
    pattern: str, expected: str | type
) -> None:
    made = make_value(Document("d", {}), {"type": "string", "pattern": pattern}, Random(0))

    assert made == expected or isinstance(made, str)
    assert made.encode("utf-8")


@pytest.mark.parametrize(
    ("mapping", "told"),
    [({"kitty": "#/components/schemas/Cat"}, "kitty"), ({"kitty": "Cat"}, "kitty"), (None, "Cat")],
)
def test_alternative_is_named_by_its_discriminator(mapping: Any, told: str) -> None:
    cat = {
        "type": "object",
        "properties": {"kind": {"type": "string"}, "lives": {"type": "integer"}},
        "required": ["kind"],
    }
    document = Document("d", {"components": {"schemas": {"Cat": cat}}})
    discriminator = {"propertyName": "kind"} | ({"mapping": mapping} if mapping else {})
    schema = {"oneOf": [{"$ref": "#/components/schemas/Cat"}], "discriminator": discriminator}

    assert make_value(document, schema, Random(0)) == {"kind": told}


@pytest.mark.parametrize(
    ("part", "mapping"),
    [({"const": 1}, {"1": "#/one"}), ({"type": "string", "enum": ["first"]}, None)],
)
def test_constant_of_an_alternative_goes_before_the_name_in_its_discriminator(
    part: Any, mapping: Any
) -> None:
    one = {"type": "object", "properties": {"kind": part}, "required": ["kind"]}
    document = Document("d", {"one": one})
    discriminator = {"propertyName": "kind"} | ({"mapping": mapping} if mapping else {})
    schema = {"oneOf": [{"$ref": "#/one"}], "discriminator": discriminator}

    assert make_value(document, schema, Random(0)) == {"kind": 1 if mapping else "first"}
