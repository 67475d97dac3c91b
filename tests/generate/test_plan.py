"""The plan is the same for the same seed, covers every pair before repeating, producers first."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from random import Random
from typing import Any

import pytest

from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.openapi import Document
from perfectcv_traffic.generate.operations import LeftOut, parse_operations
from perfectcv_traffic.generate.plan import Pair, Planned, draftable, pair_up, plan_requests
from perfectcv_traffic.generate.producers import Producers
from perfectcv_traffic.generate.scenarios import SCENARIOS

SECRETS = Credentials(token="t", api_key="k", username="u", password="p")


def _pairs(document: Document, credentials: Credentials = SECRETS) -> tuple[Pair, ...]:
    operations, _ = parse_operations(document)
    pairs, _ = pair_up(draftable(document, operations)[0], SCENARIOS, credentials)
    return pairs


def _plan(document: Document, *, seed: int = 0, count: int = 200) -> list[Planned]:
    operations, _ = parse_operations(document)
    endless = plan_requests(document, _pairs(document), Producers(operations), seed)
    return list(islice(endless, count))


def _key(planned: Planned) -> tuple[str, str]:
    return planned.draft.operation.key, planned.scenario.name


def test_plan_is_the_same_for_the_same_seed_and_another_for_another(
    api_document: Document,
) -> None:
    assert _plan(api_document, seed=7) == _plan(api_document, seed=7)
    assert _plan(api_document, seed=7) != _plan(api_document, seed=8)


def test_plan_does_not_depend_on_the_order_in_the_document(api_document: Document) -> None:
    paths = dict(reversed(api_document.root["paths"].items()))
    turned = Document("openapi.json", {**api_document.root, "paths": paths})
    assert _plan(turned) == _plan(api_document)


def test_plan_depends_on_no_other_random_source(api_document: Document) -> None:
    first = _plan(api_document)
    Random(99).random()
    assert [one.number for one in first] == list(range(1, 201))
    assert first == _plan(api_document)


def test_every_pair_is_asked_once_before_any_is_asked_again(api_document: Document) -> None:
    pairs = {pair.key for pair in _pairs(api_document)}
    planned = [_key(one) for one in _plan(api_document, count=3 * len(pairs))]
    for start in range(0, len(planned), len(pairs)):
        assert set(planned[start : start + len(pairs)]) == pairs
    assert set(Counter(planned).values()) == {3}


@pytest.mark.parametrize("seed", range(5))
def test_producers_come_before_what_needs_their_ids(api_document: Document, seed: int) -> None:
    planned = _plan(api_document, seed=seed)
    numbers = {_key(one): one.number for one in reversed(planned)}
    producing = {numbers["GET /items", "valid"], numbers["POST /items", "valid"]}
    consumers = [one for one in planned if "{item_id}" in one.draft.operation.path]
    assert consumers
    for one in consumers:
        assert set(one.after) == producing
        assert max(one.after) < one.number


def test_rounds_take_variants_in_turn(api_document: Document) -> None:
    pointers = [
        one.pointer
        for one in _plan(api_document, count=1200)
        if _key(one) == ("POST /teams", "null_field")
    ]
    assert pointers[:3] == ["/body/title", "/body/players", "/body/captain"]
    assert "/body/captain" in pointers
    assert "/body/players/0/nickname" in pointers


def test_rounds_differ_in_values_and_optional_parts(api_document: Document) -> None:
    bodies = [
        one.draft.body
        for one in _plan(api_document, count=400)
        if _key(one) == ("POST /teams", "valid")
    ]
    assert "captain" not in bodies[0]
    assert "captain" in bodies[1]
    assert len({body["title"] for body in bodies}) == len(bodies)


def test_valid_without_its_secret_is_left_out_with_the_reason(api_document: Document) -> None:
    operations, _ = parse_operations(api_document)
    pairs, left_out = pair_up(operations, SCENARIOS, Credentials(api_key="k"))
    keys = {pair.key for pair in pairs}
    assert ("GET /items", "valid") not in keys
    assert {("GET /items", "no_token"), ("GET /crash", "null_query")} <= keys
    assert ("GET /keys/header", "valid") in keys
    assert (
        LeftOut(
            method="GET",
            path="/items",
            scenario="valid",
            reason="no credential for OAuth2PasswordBearer",
        )
        in left_out
    )


def test_operation_without_a_draft_is_left_out_with_the_reason() -> None:
    broken: Any = {"parameters": [{"name": "p", "in": "query", "schema": {"$ref": "#/no"}}]}
    document = Document("doc", {"paths": {"/a": {"get": broken}, "/b": {"get": {}}}})
    operations, _ = parse_operations(document)
    kept, (left_out,) = draftable(document, operations)
    assert [one.key for one in kept] == ["GET /b"]
    assert (left_out.path, left_out.scenario) == ("/a", None)
    assert "points to nothing" in left_out.reason


def test_plan_of_nothing_is_empty() -> None:
    document = Document("doc", {})
    assert list(plan_requests(document, (), Producers(()), 0)) == []
