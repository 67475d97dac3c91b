"""Ids come from answers, belong together, and a DELETE never gets what was there before."""

from __future__ import annotations

from typing import Any

import pytest

from perfectcv_traffic.generate.ids import MAX_LISTED, Harvested, IdPool, listed_objects
from perfectcv_traffic.generate.openapi import Document, Location
from perfectcv_traffic.generate.operations import Operation, Parameter, parse_operations
from perfectcv_traffic.generate.producers import Producers


def _operations(*keys: str) -> dict[str, Operation]:
    paths: dict[str, Any] = {}
    for method, path in (key.split() for key in keys):
        paths.setdefault(path, {})[method.lower()] = {}
    operations, _ = parse_operations(Document("doc", {"paths": paths}))
    return {operation.key: operation for operation in operations}


def _pool(operations: dict[str, Operation]) -> IdPool:
    return IdPool(Producers(tuple(operations.values())))


@pytest.mark.parametrize(
    ("consumer", "producers"),
    [
        ("GET /resumes/{resume_id}", ["GET /resumes/", "POST /resumes/"]),
        ("GET /resumes/{x}", ["GET /resumes/", "POST /resumes/"]),
        ("GET /reports/{resumeId}", ["GET /resumes/", "POST /resumes/"]),
        ("GET /reports/{company_id}", ["GET /companies"]),
        ("GET /reports/{id}", []),
        (
            "GET /resumes/{id}/jobs/{job_id}",
            ["GET /resumes/", "POST /resumes/", "GET /resumes/{id}/jobs"],
        ),
        ("GET /resumes/", []),
    ],
)
def test_operations_are_fed_by_the_collection_before_or_named_as_the_parameter(
    consumer: str, producers: list[str]
) -> None:
    operations = _operations(
        "GET /resumes/", "POST /resumes/", "GET /companies", "GET /resumes/{id}/jobs", consumer
    )
    fed = Producers(tuple(operations.values())).feeding(operations[consumer])
    assert [one.key for one in fed] == producers


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ([{"id": 1}], [{"id": 1}]),
        ({"total": 1, "items": [{"id": 1}]}, [{"id": 1}]),
        ({"data": {"items": [{"id": 1}], "next": None}}, [{"id": 1}]),
        ({"id": 1}, []),
        ("text", []),
        ({"a": {"b": {"c": {"d": [1]}}}}, []),
    ],
)
def test_listed_objects_are_found_in_wrappers(answer: Any, expected: Any) -> None:
    assert listed_objects(answer) == expected


@pytest.mark.parametrize(
    ("listed", "hole", "expected"),
    [
        ({"id": 7, "name": "n"}, "item_id", "7"),
        ({"id": 7, "itemId": "k"}, "item_id", "k"),
        ({"uuid": "u"}, "id", "u"),
        ({"slug": "s", "id": 7}, "item_slug", "s"),
        ("plain", "item_id", "plain"),
        ({"id": None, "uuid": True}, "id", None),
        ({"id": "x" * 500}, "id", None),
        ({"id": {"a": 1}}, "id", None),
    ],
)
def test_id_is_the_field_that_the_parameter_names(
    listed: Any, hole: str, expected: str | None
) -> None:
    operations = _operations("GET /items", f"GET /items/{{{hole}}}")
    pool = _pool(operations)
    pool.learn(operations["GET /items"], {}, [listed])
    bound = pool.bind(operations[f"GET /items/{{{hole}}}"], 0)
    assert bound == ({} if expected is None else {hole: expected})


def test_ids_take_turns_over_the_first_listed_objects() -> None:
    operations = _operations("GET /items", "GET /items/{id}")
    pool = _pool(operations)
    assert pool.wants(operations["GET /items"])
    pool.learn(operations["GET /items"], {}, [{"id": number} for number in range(10)])
    assert not pool.wants(operations["GET /items"])
    bound = [pool.bind(operations["GET /items/{id}"], turn)["id"] for turn in range(6)]
    assert bound == ["0", "1", "2"] * 2
    assert len(set(bound)) == MAX_LISTED


def test_nested_id_comes_with_the_parent_it_was_listed_under() -> None:
    operations = _operations(
        "GET /users", "GET /users/{uid}/posts", "GET /users/{user_id}/posts/{post_id}"
    )
    pool = _pool(operations)
    pool.learn(operations["GET /users"], {}, [{"id": "u1"}, {"id": "u2"}])
    pool.learn(operations["GET /users/{uid}/posts"], {"uid": "u2"}, [{"id": "p1"}])
    bound = pool.bind(operations["GET /users/{user_id}/posts/{post_id}"], 0)
    assert bound == {"user_id": "u2", "post_id": "p1"}


ITEMS = ("GET /items", "POST /items", "GET /items/{id}", "DELETE /items/{id}")


def test_delete_gets_only_what_this_run_created() -> None:
    operations = _operations(*ITEMS)
    pool = _pool(operations)
    pool.learn(operations["GET /items"], {}, [{"id": "old"}])
    assert pool.bind(operations["DELETE /items/{id}"], 5) == {"id": "unknown-5"}
    pool.learn(operations["POST /items"], {}, {"id": "new"})
    assert pool.bind(operations["DELETE /items/{id}"], 6) == {"id": "new"}
    assert pool.bind(operations["GET /items/{id}"], 0) == {"id": "old"}
    assert pool.bind(operations["GET /items/{id}"], 1) == {"id": "new"}


def test_post_that_answers_with_an_old_object_has_not_created_it() -> None:
    operations = _operations(*ITEMS)
    pool = _pool(operations)
    pool.learn(operations["GET /items"], {}, [{"id": "old", "version": 1}])
    pool.learn(operations["POST /items"], {}, {"id": "old", "version": 2})
    assert pool.bind(operations["DELETE /items/{id}"], 5) == {"id": "unknown-5"}


def test_deleted_object_is_forgotten() -> None:
    operations = _operations(*ITEMS)
    pool = _pool(operations)
    pool.learn(operations["POST /items"], {}, {"id": "new"})
    pool.forget(operations["DELETE /items/{id}"], {"id": "new"})
    assert pool.bind(operations["DELETE /items/{id}"], 5) == {"id": "unknown-5"}
    assert pool.bind(operations["GET /items/{id}"], 5) == {}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer"}, "2000000005"),
        ({"type": "string", "format": "uuid"}, "00000000-0000-4000-8000-000000000005"),
        ({"type": "string"}, "unknown-5"),
    ],
)
def test_unknown_id_has_the_type_of_its_parameter(schema: Any, expected: str) -> None:
    parameters = [{"name": "id", "in": "path", "schema": schema}]
    paths = {"/items/{id}": {"delete": {"parameters": parameters}}}
    operations, _ = parse_operations(Document("doc", {"paths": paths}))
    assert IdPool(Producers(operations)).bind(operations[0], 5) == {"id": expected}


def test_existing_object_is_deleted_only_when_that_is_allowed() -> None:
    pool, remove = _own_pool()
    assert pool.bind(remove, 0)["user_id"].startswith("unknown")
    pool.deletes_existing = True
    assert pool.bind(remove, 0) == {"user_id": "u1"}


def test_own_account_is_never_changed() -> None:
    pool, remove = _own_pool()
    pool.deletes_existing = True
    pool.learn(Operation(method="GET", path="/users/me"), {}, {"id": "u1"})
    assert pool.own == {"u1"}
    assert pool.bind(remove, 0) == {"user_id": "u2"}
    assert pool.bind(Operation(method="GET", path="/users/{user_id}"), 0) == {"user_id": "u1"}


def _own_pool() -> tuple[IdPool, Operation]:
    listing = Operation(method="GET", path="/users")
    remove = Operation(
        method="DELETE",
        path="/users/{user_id}",
        parameters=(_path_parameter("user_id"),),
    )
    reading = Operation(method="GET", path="/users/{user_id}")
    pool = IdPool(Producers([listing, reading, remove]))
    pool.learn(listing, {}, [{"id": "u1"}, {"id": "u2"}])
    return pool, remove


def _path_parameter(name: str) -> Parameter:
    return Parameter(
        name=name,
        location=Location.PATH,
        required=True,
        schema={"type": "string"},
        style="simple",
        explode=False,
        is_json=False,
    )


def test_objects_without_an_id_are_told_apart_by_their_fields() -> None:
    one, other = Harvested({"name": "a"}), Harvested({"name": "b"})

    assert one.identity == Harvested({"name": "a"}).identity
    assert one.identity != other.identity
    assert one.identity != Harvested({"name": "a", "id": "1"}).identity
    assert Harvested({"id": "1"}).identity == Harvested({"id": "1", "name": "a"}).identity


def test_collection_of_objects_without_an_id_keeps_each() -> None:
    operations = _operations("GET /countries", "GET /countries/{code}")
    pool = _pool(operations)

    pool.learn(operations["GET /countries"], {}, [{"code": "de"}, {"code": "fr"}])

    turns = (pool.bind(operations["GET /countries/{code}"], turn) for turn in range(2))
    assert [one["code"] for one in turns] == ["de", "fr"]


def test_number_that_was_created_elsewhere_is_no_object_to_delete() -> None:
    operations = _operations(
        "GET /items", "DELETE /items/{item_id}", "POST /orders/{order_id}/items"
    )
    pool = _pool(operations)

    pool.learn(operations["POST /orders/{order_id}/items"], {"order_id": "9"}, {"id": 7})

    remove = operations["DELETE /items/{item_id}"]
    assert pool.bind(remove, 5) == {"item_id": "unknown-5"}
    assert pool.created(remove) == []


def test_object_that_is_listed_too_far_back_to_be_visited_was_not_created() -> None:
    operations = _operations(*ITEMS)
    pool = _pool(operations)

    pool.learn(operations["GET /items"], {}, [{"id": number} for number in range(20)])
    pool.learn(operations["POST /items"], {}, {"id": 17})

    assert pool.bind(operations["DELETE /items/{id}"], 5) == {"id": "unknown-5"}


def test_object_that_answers_two_creations_may_be_older_than_both() -> None:
    operations = _operations(*ITEMS)
    pool = _pool(operations)

    for _ in range(2):
        pool.learn(operations["POST /items"], {}, {"id": "python"})
    assert pool.bind(operations["DELETE /items/{id}"], 5) == {"id": "unknown-5"}

    pool.learn(operations["POST /items"], {}, {"id": "new"})
    assert pool.bind(operations["DELETE /items/{id}"], 5) == {"id": "new"}


def test_example_that_names_the_own_account_is_not_changed() -> None:
    change = Operation(
        method="PUT", path="/users/{user_id}", parameters=(_path_parameter("user_id"),)
    )
    pool = IdPool(Producers([change]))
    pool.own = {"7"}

    assert pool.bind(change, 0, drafted={"user_id": 7})["user_id"].startswith("unknown")
    assert pool.bind(change, 0, drafted={"user_id": 8}) == {}


def test_credential_that_this_run_did_not_create_is_never_changed() -> None:
    operations = _operations("GET /api-keys/", "POST /api-keys/", "PATCH /api-keys/{key_id}")
    pool, change = _pool(operations), operations["PATCH /api-keys/{key_id}"]
    pool.deletes_existing = True
    pool.learn(operations["GET /api-keys/"], {}, [{"id": "in-use"}])
    assert pool.bind(change, 5, drafted={"key_id": "example"}) == {"key_id": "unknown-5"}
    assert pool.object_for(change, 0) is None
    pool.learn(operations["POST /api-keys/"], {}, {"id": "new"})
    assert pool.bind(change, 0) == {"key_id": "new"}
