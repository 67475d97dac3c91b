"""Each scenario changes one thing, and says what is expected of the answer."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.generate.draft import Draft, make_draft
from perfectcv_traffic.generate.openapi import Document, Location
from perfectcv_traffic.generate.operations import parse_operations
from perfectcv_traffic.generate.places import MAX_PLACES, pointer
from perfectcv_traffic.generate.scenarios import SCENARIOS, scenarios_named

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
TEAM = {
    "required": ["title", "players"],
    "properties": {
        "title": {"type": "string", "example": "T"},
        "players": {
            "type": "array",
            "items": {"properties": {"name": {"example": "N"}, "age": {"example": 7}}},
        },
        "captain": {"anyOf": [{"properties": {"name": {"example": "C"}}}, {"type": "null"}]},
    },
}
QUERY = [
    {"name": "page", "in": "query", "required": True, "schema": {"example": 1}},
    {"name": "a/b", "in": "query", "schema": {"example": 2}},
]


def _draft(operation: Any, *, optional: bool = False) -> Draft:
    document = Document("doc", {"paths": {"/a": {"post": operation}}})
    ((parsed,), _) = parse_operations(document)
    return make_draft(document, parsed, Random(0), optional=optional)


def _json_body(schema: Any) -> Any:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _variants(name: str, draft: Draft) -> dict[str | None, Draft]:
    scenario = BY_NAME[name]
    return {pointer(place): scenario.change(draft, place) for place in scenario.places(draft)}


def test_null_query_puts_null_at_one_parameter_at_a_time() -> None:
    variants = _variants("null_query", _draft({"parameters": QUERY}))
    assert {place: one.values[Location.QUERY] for place, one in variants.items()} == {
        "/query/page": {"page": None},
        "/query/a~1b": {"page": 1, "a/b": None},
    }


def test_null_field_puts_null_at_one_place_at_a_time() -> None:
    draft = _draft(_json_body(TEAM), optional=True)
    players, captain = [{"name": "N", "age": 7}], {"name": "C"}
    assert {place: one.body for place, one in _variants("null_field", draft).items()} == {
        "/body/title": {"title": None, "players": players, "captain": captain},
        "/body/players": {"title": "T", "players": None, "captain": captain},
        "/body/captain": {"title": "T", "players": players, "captain": None},
        "/body/players/0": {"title": "T", "players": [None], "captain": captain},
        "/body/captain/name": {"title": "T", "players": players, "captain": {"name": None}},
        "/body/players/0/name": {
            "title": "T",
            "players": [{"name": None, "age": 7}],
            "captain": captain,
        },
        "/body/players/0/age": {
            "title": "T",
            "players": [{"name": "N", "age": None}],
            "captain": captain,
        },
    }
    assert draft.body == {"title": "T", "players": players, "captain": captain}


def test_places_of_a_huge_body_are_bounded() -> None:
    schema = {"example": list(range(MAX_PLACES * 2))}
    assert len(_variants("null_field", _draft(_json_body(schema)))) == MAX_PLACES - 1


def test_null_body_is_null_instead_of_the_body() -> None:
    variants = _variants("null_body", _draft(_json_body(TEAM)))
    assert {place: one.body for place, one in variants.items()} == {"/body": None}


def test_missing_field_leaves_one_field_out() -> None:
    draft = _draft(_json_body(TEAM), optional=True)
    bodies = {place: one.body for place, one in _variants("missing_field", draft).items()}
    assert bodies["/body/title"] == {"players": [{"name": "N", "age": 7}], "captain": {"name": "C"}}
    assert bodies["/body/players/0/age"]["players"] == [{"name": "N"}]
    assert draft.body["players"] == [{"name": "N", "age": 7}]


def test_empty_query_leaves_one_parameter_without_a_value() -> None:
    variants = _variants("empty_query", _draft({"parameters": QUERY}))
    assert [one.values[Location.QUERY] for one in variants.values()] == [
        {"page": ""},
        {"page": 1, "a/b": ""},
    ]


SECURED: Any = [{"scheme": []}]
WRONG_TOKENS = [
    "no_token",
    "invalid_token",
    "malformed_token",
    "empty_token",
    "wrong_scheme",
    "expired_token",
    "forged_token",
]
OPTIONAL: Any = [{"scheme": []}, {}]


@pytest.mark.parametrize(
    ("security", "names"),
    [
        pytest.param(SECURED, ["valid", *WRONG_TOKENS], id="secured"),
        pytest.param(OPTIONAL, ["valid", *WRONG_TOKENS], id="optional"),
        pytest.param([], ["valid"], id="open"),
    ],
)
def test_token_scenarios_apply_where_a_scheme_is_named(security: Any, names: list[str]) -> None:
    operation = _draft({"security": security}).operation
    assert [one.name for one in SCENARIOS if one.applies(operation)] == names


def test_null_scenarios_apply_where_there_is_something_to_be_null() -> None:
    operation = _draft({"parameters": QUERY, **_json_body(TEAM)}).operation
    names = [one.name for one in SCENARIOS if one.applies(operation)]
    assert names == [
        "valid",
        "null_query",
        "empty_query",
        "null_body",
        "null_field",
        "missing_field",
    ]


@pytest.mark.parametrize(
    ("name", "security", "as_expected", "surprising"),
    [
        ("valid", SECURED, {200, 404, 403, 422, 429}, {401, 500}),
        ("valid", [], {200, 401, 404}, {500, 503}),
        ("no_token", SECURED, {401, 403, 429}, {200, 204, 302, 404, 422, 500}),
        ("no_token", OPTIONAL, {200, 401, 403}, {500}),
        ("invalid_token", SECURED, {401, 403, 429}, {200, 204, 302, 404, 422, 500}),
        ("invalid_token", OPTIONAL, {200, 401, 403}, {500}),
        ("null_query", SECURED, {200, 400, 401, 422}, {500, 502}),
        ("null_body", SECURED, {200, 400, 401, 422}, {500, 502}),
    ],
)
def test_scenario_expects(
    name: str, security: Any, as_expected: set[int], surprising: set[int]
) -> None:
    expectation = BY_NAME[name].expects(_draft({"security": security}).operation)
    assert {status for status in as_expected if status not in expectation.statuses} == set()
    assert {status for status in surprising if status in expectation.statuses} == set()


def test_scenarios_are_chosen_by_name_in_table_order() -> None:
    assert [one.name for one in scenarios_named(["null_body", "valid"])] == ["valid", "null_body"]
    assert scenarios_named([]) == SCENARIOS
    with pytest.raises(UsageError, match=r"unknown scenario 'x'; the scenarios are: valid, "):
        scenarios_named(["x"])
