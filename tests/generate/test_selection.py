"""Only what is allowed is called, and every operation left out says why."""

from __future__ import annotations

from typing import Any

import pytest

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.generate.openapi import Document
from perfectcv_traffic.generate.operations import Operation, parse_operations
from perfectcv_traffic.generate.selection import Selection, select

METHODS = ("get", "head", "options", "post", "put", "patch", "delete")


def _operations(*paths: str, methods: tuple[str, ...] = METHODS) -> tuple[Operation, ...]:
    item: dict[str, Any] = {method: {} for method in methods}
    operations, _ = parse_operations(Document("doc", {"paths": dict.fromkeys(paths, item)}))
    return operations


def _reasons(selection: Selection, *operations: Operation) -> dict[str, str | None]:
    chosen, left_out = select(operations, selection)
    return {one.key: None for one in chosen} | {
        f"{one.method} {one.path}": one.reason for one in left_out
    }


@pytest.mark.parametrize(
    ("selection", "methods"),
    [
        pytest.param(Selection(), {"GET"}, id="default"),
        pytest.param(Selection(allow_writes=True), {"GET", "POST", "PUT", "PATCH"}, id="writes"),
        pytest.param(Selection(allow_deletes=True), {"GET", "DELETE"}, id="deletes"),
        pytest.param(Selection(methods=("GET", "HEAD")), {"GET", "HEAD"}, id="head-when-named"),
        pytest.param(Selection(methods=("POST",)), set(), id="naming-allows-no-write"),
        pytest.param(
            Selection(methods=("POST",), allow_writes=True), {"POST"}, id="named-and-allowed"
        ),
    ],
)
def test_methods_are_called_only_when_allowed(selection: Selection, methods: set[str]) -> None:
    chosen, left_out = select(_operations("/a/{b}"), selection)
    assert {operation.method for operation in chosen} == methods
    assert len(chosen) + len(left_out) == len(METHODS)


def test_left_out_methods_say_what_would_allow_them() -> None:
    assert _reasons(Selection(), *_operations("/a/{b}")) == {
        "GET /a/{b}": None,
        "HEAD /a/{b}": "method not selected",
        "OPTIONS /a/{b}": "method not selected",
        "POST /a/{b}": "writes are not allowed",
        "PUT /a/{b}": "writes are not allowed",
        "PATCH /a/{b}": "writes are not allowed",
        "DELETE /a/{b}": "deletes are not allowed",
    }


@pytest.mark.parametrize(
    "word",
    ["logout", "SignOut", "revoke", "deactivate", "password", "webhook", "checkout", "purchase"],
)
def test_risky_path_is_left_out_unless_named(word: str) -> None:
    operations = _operations(f"/auth/{word}s", "/safe", methods=("get",))
    assert _reasons(Selection(), *operations)[f"GET /auth/{word}s"] == f"risky: {word.lower()}"
    assert not any(_reasons(Selection(include_risky=(word,)), *operations).values())


@pytest.mark.parametrize("path", ["/auth/log-out", "/sign_out", "/logOff", "/check-out"])
def test_risky_word_is_known_however_it_is_written(path: str) -> None:
    (reason,) = _reasons(Selection(), *_operations(path, methods=("get",))).values()

    assert reason is not None
    assert reason.startswith("risky: ")


@pytest.mark.parametrize("path", ["/pay", "/orders/{id}/payments", "/bulk-refunds", "/charge"])
def test_path_that_moves_money_is_read_but_not_written_to(path: str) -> None:
    operations = _operations(path, methods=("get", "post"))

    reasons = _reasons(Selection(allow_writes=True), *operations)

    assert reasons[f"GET {path}"] is None
    assert str(reasons[f"POST {path}"]).startswith("risky: ")
    assert not any(
        _reasons(Selection(allow_writes=True, include_risky=("POST",)), *operations).values()
    )


def test_word_in_a_longer_word_moves_no_money() -> None:
    operations = _operations("/payloads", "/payroll", "/repayable", methods=("post",))

    assert not any(_reasons(Selection(allow_writes=True), *operations).values())


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/users/me", "risky: deletes the own account or a collection"),
        ("/users/{id}/avatar", "risky: deletes the own account or a collection"),
        ("/users/{id}", None),
    ],
)
def test_delete_needs_an_id_at_its_end(path: str, reason: str | None) -> None:
    operations = _operations(path, methods=("delete",))
    assert _reasons(Selection(allow_deletes=True), *operations) == {f"DELETE {path}": reason}


def test_delete_by_an_enumerated_id_is_left_out() -> None:
    parameters = [{"name": "c", "in": "path", "schema": {"enum": ["red"]}}]
    paths = {"/teams/{c}": {"delete": {"parameters": parameters}}}
    operations, _ = parse_operations(Document("doc", {"paths": paths}))
    reasons = _reasons(Selection(allow_deletes=True), *operations)
    assert reasons == {"DELETE /teams/{c}": "risky: no unknown id can be made up"}


def test_patterns_narrow_and_exclude_by_method_and_path() -> None:
    operations = _operations("/a", "/ab", "/b", methods=("get",))
    selection = Selection(include=("GET /a",), exclude=("B$",))
    assert _reasons(selection, *operations) == {
        "GET /a": None,
        "GET /ab": "excluded",
        "GET /b": "not included",
    }


def test_including_an_operation_does_not_lift_its_risk() -> None:
    operations = _operations("/logout", methods=("get",))
    assert _reasons(Selection(include=("logout",)), *operations) == {"GET /logout": "risky: logout"}


def test_unknown_method_or_pattern_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="unknown method 'FETCH'"):
        Selection(methods=("FETCH",))
    with pytest.raises(UsageError, match=r"pattern '\[' cannot be used"):
        Selection(include=("[",))


def test_write_that_only_reads_is_allowed_by_name() -> None:
    operations = [Operation(method="POST", path=path) for path in ("/search", "/items")]
    chosen, left_out = select(operations, Selection(read_only=("POST /search",)))
    assert [one.path for one in chosen] == ["/search"]
    assert [one.reason for one in left_out] == ["writes are not allowed"]


def test_deletion_never_only_reads_and_methods_narrow_what_does() -> None:
    operations = _operations("/search/{id}", methods=("post", "delete"))

    assert _reasons(Selection(read_only=("/search",)), *operations) == {
        "POST /search/{id}": None,
        "DELETE /search/{id}": "deletes are not allowed",
    }
    narrowed = _reasons(Selection(read_only=("/search",), methods=("GET",)), *operations)
    assert all(narrowed.values())
