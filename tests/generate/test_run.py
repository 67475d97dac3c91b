"""Whole runs against a real API: what was sent is what arrived, marked, authenticated, judged."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
from fastapi import FastAPI, Response

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.generate.answer import user_agent
from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.options import Options
from perfectcv_traffic.generate.outcome import INTERRUPTED, Outcome, tally
from perfectcv_traffic.generate.run import Run, generate, run
from perfectcv_traffic.generate.selection import Selection

Seen = list[dict[str, Any]]
Serve = Callable[[Any], contextlib.AbstractContextManager[str]]

EVERYTHING = Selection(allow_writes=True, allow_deletes=True)


def _traffic(seen: Seen) -> Seen:
    return [one for one in seen if one["headers"]["x-traffic-scenario"] != "setup"]


def _of(seen: Seen, scenario: str, path: str) -> Seen:
    return [
        one
        for one in _traffic(seen)
        if one["headers"]["x-traffic-scenario"] == scenario and one["path"] == path
    ]


@pytest.mark.parametrize(("requests", "concurrency"), [(1, 4), (57, 1), (120, 7)])
def test_exactly_the_requests_asked_for_arrive(
    api: str, seen: Seen, credentials: Credentials, requests: int, concurrency: int
) -> None:
    told: list[Outcome] = []
    options = Options(requests=requests, concurrency=concurrency, selection=EVERYTHING)
    finished = generate(api, options, credentials=credentials, on_outcome=told.append)
    assert (finished.sent, finished.planned, finished.is_complete) == (requests, requests, True)
    assert tuple(told) == finished.outcomes
    sent = {one.request_id: one.scenario for one in finished.outcomes}
    arrived = {
        one["headers"]["x-request-id"]: one["headers"]["x-traffic-scenario"]
        for one in _traffic(seen)
    }
    assert len(_traffic(seen)) == requests
    assert arrived == sent
    assert sum(one.sent for one in tally(finished.outcomes)) == requests


def test_without_a_number_each_scenario_of_each_operation_is_sent_once(
    api: str, credentials: Credentials
) -> None:
    finished = generate(api, Options(requests=None, selection=EVERYTHING), credentials=credentials)
    pairs = Counter((one.method, one.path, one.scenario) for one in finished.outcomes)
    assert set(pairs.values()) == {1}
    assert ("POST", "/teams", "null_body") in pairs
    assert finished.sent == finished.planned == len(pairs)


def test_every_request_is_marked(api: str, seen: Seen, credentials: Credentials) -> None:
    finished = generate(api, Options(requests=30, run_id="my.run-1"), credentials=credentials)
    assert finished.run_id == "my.run-1"
    for one in seen:
        headers = one["headers"]
        assert re.fullmatch(r"my\.run-1-(setup-)?\d+", headers["x-request-id"])
        assert headers["x-traffic-run"] == "my.run-1"
        assert headers["user-agent"] == user_agent()
    setup_ids = [one["headers"]["x-request-id"] for one in seen if one not in _traffic(seen)]
    assert list(finished.setup_ids) == setup_ids == ["my.run-1-setup-1"]


def test_run_id_is_new_for_each_run(api: str) -> None:
    ids = {generate(api, Options(requests=1)).run_id for _ in range(2)}
    assert len(ids) == 2
    assert all(re.fullmatch("[0-9a-f]{12}", one) for one in ids)


PROTECTED = {
    "/items": "authorization",
    "/keys/header": "x-key",
    "/keys/query": "key",
    "/keys/cookie": "cookie",
    "/keys/basic": "authorization",
}


def _credential(one: dict[str, Any]) -> str | None:
    where = PROTECTED[one["path"]]
    given: dict[str, str] = dict(parse_qsl(one["query"])) if where == "key" else one["headers"]
    return given.get(where)


@pytest.fixture
def all_scenarios(api: str, credentials: Credentials) -> Run:
    return generate(api, Options(requests=None, selection=EVERYTHING), credentials=credentials)


@pytest.mark.parametrize("path", PROTECTED)
def test_credential_is_right_wrong_or_absent_as_the_scenario_says(
    all_scenarios: Run, seen: Seen, secrets: tuple[str, ...], path: str
) -> None:
    token, key, password = secrets
    basic = base64.b64encode(f"user:{password}".encode()).decode()
    right = {
        "/items": f"Bearer {token}",
        "/keys/header": key,
        "/keys/query": key,
        "/keys/cookie": f"key={key}",
        "/keys/basic": f"Basic {basic}",
    }[path]
    (valid,) = (one for one in _of(seen, "valid", path) if one["method"] == "GET")
    (without,) = (one for one in _of(seen, "no_token", path) if one["method"] == "GET")
    (wrong,) = (one for one in _of(seen, "invalid_token", path) if one["method"] == "GET")
    assert _credential(valid) == right
    assert _credential(without) is None
    assert {"authorization", "cookie", "x-key"}.isdisjoint(without["headers"])
    assert _credential(wrong) not in (None, right)


def test_only_flaws_are_surprises(all_scenarios: Run) -> None:
    surprises = {(one.scenario, one.method, one.path) for one in all_scenarios.surprises}
    assert surprises == {
        ("no_token", "GET", "/leaky"),
        ("invalid_token", "GET", "/leaky"),
        ("malformed_token", "GET", "/leaky"),
        ("empty_token", "GET", "/leaky"),
        ("wrong_scheme", "GET", "/leaky"),
        ("null_query", "GET", "/crash"),
    }


def test_null_in_a_nested_place_finds_the_crash(api: str) -> None:
    selection = Selection(allow_writes=True, include=("POST /teams",))
    options = Options(requests=20, selection=selection, scenarios=("null_field",))
    finished = generate(api, options)
    assert {one.pointer for one in finished.surprises} == {"/body/captain"}
    assert {one.status for one in finished.surprises} == {500}


def test_null_arrives_at_one_place_at_a_time(api: str, seen: Seen) -> None:
    selection = Selection(allow_writes=True, include=("POST /teams", "GET /open"))
    options = Options(requests=40, selection=selection, scenarios=("null_body", "null_query"))
    generate(api, options)
    bodies = [msgspec.json.decode(one["body"]) for one in _of(seen, "null_body", "/teams")]
    assert bodies
    assert all(msgspec.json.encode(body).count(b"null") == 1 for body in bodies)
    queries = {one["query"].count("null") for one in _of(seen, "null_query", "/open")}
    assert queries == {1}


def test_listed_and_created_ids_are_asked_for(
    api: str, seen: Seen, credentials: Credentials
) -> None:
    selection = Selection(allow_writes=True, allow_deletes=True, include=("/items",))
    options = Options(requests=80, concurrency=1, selection=selection, scenarios=("valid",))
    finished = generate(api, options, credentials=credentials)
    asked = {
        one.url_path: one.status for one in finished.outcomes if one.path == "/items/{item_id}"
    }
    assert {"/items/seed-1", "/items/seed-2"} <= asked.keys()
    deleted = {one["path"] for one in seen if one["method"] == "DELETE"}
    assert "/items/made-2" in deleted
    assert not any("seed" in path for path in deleted)


def test_only_gets_are_sent_by_default(api: str, seen: Seen, credentials: Credentials) -> None:
    finished = generate(api, Options(requests=60), credentials=credentials)
    assert {one["method"] for one in seen} == {"GET"}
    assert "/auth/logout" not in {one["path"] for one in seen}
    reasons = {(one.method, one.path): one.reason for one in finished.left_out}
    assert reasons["POST", "/teams"] == "writes are not allowed"
    assert reasons["GET", "/auth/logout"] == "risky: logout"


def test_same_seed_sends_the_same_requests(api: str, seen: Seen, credentials: Credentials) -> None:
    for _ in range(2):
        options = Options(requests=60, concurrency=1, run_id="same", seed=5)
        generate(api, options, credentials=credentials)
    assert seen[: len(seen) // 2] == seen[len(seen) // 2 :]


def test_no_secret_is_in_the_result(
    api: str, credentials: Credentials, secrets: tuple[str, ...]
) -> None:
    finished = generate(api, Options(selection=EVERYTHING), credentials=credentials)
    shown = repr(finished) + repr(credentials)
    assert not any(secret in shown for secret in secrets)


def test_other_host_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"
    file.write_text('{"openapi": "3.1.0", "paths": {"/a": {"get": {}}}}')
    for options in (Options(), Options(openapi=str(file))):
        with pytest.raises(UsageError, match="not this machine"):
            generate("http://192.0.2.1", options)


def test_target_that_dies_is_an_outcome_of_each_request(
    tmp_path: Path, closed_address: str
) -> None:
    file = tmp_path / "openapi.json"
    file.write_text('{"openapi": "3.1.0", "paths": {"/a": {"get": {}}}}')
    finished = generate(closed_address, Options(requests=5, openapi=str(file)))
    assert (finished.sent, finished.is_complete) == (5, True)
    assert {(one.status, one.error) for one in finished.outcomes} == {(None, "connection refused")}
    assert len(finished.surprises) == 5


def test_request_waits_for_the_list_that_may_hold_its_id(serve: Serve) -> None:
    app = FastAPI()
    early = asyncio.Event()
    asked: set[str] = set()

    @app.get("/items")
    async def list_items() -> list[str]:
        # Nobody should come while the list is not there; the wait ends when nobody does.
        if not asked:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(early.wait(), 0.3)
        return ["listed"]

    @app.get("/items/{item_id}")
    async def read_item(item_id: str) -> None:
        asked.add(item_id)
        early.set()

    with serve(app) as url:
        generate(url, Options(requests=20))
    assert asked == {"listed", "null"}


def test_answer_that_is_no_json_teaches_nothing(serve: Serve) -> None:
    app = FastAPI()
    app.get("/items")(lambda: Response(b"[{", media_type="application/json"))
    app.get("/items/{item_id}")(lambda item_id: item_id)
    with serve(app) as url:
        finished = generate(url, Options(requests=10, scenarios=("valid",)))
    assert {one.status for one in finished.outcomes} == {200}


def test_request_after_a_crash_is_not_lost(serve: Serve) -> None:
    # uvicorn closes a connection after an exception without saying so in its answer.
    app = FastAPI()
    calls: list[int] = []

    @app.get("/crash")
    def crash() -> None:
        calls.append(1)
        raise ZeroDivisionError

    with serve(app) as url:
        finished = generate(url, Options(requests=200))
    assert Counter((one.status, one.error) for one in finished.outcomes) == {(500, None): 200}
    assert len(calls) == 200


def test_ctrl_c_returns_what_was_sent(own_api: tuple[str, Seen], credentials: Credentials) -> None:
    url, seen = own_api
    told: list[Outcome] = []

    def press_after_ten(outcome: Outcome) -> None:
        told.append(outcome)
        if len(told) == 10:
            signal.raise_signal(signal.SIGINT)

    options = Options(requests=100_000)
    stopped = generate(url, options, credentials=credentials, on_outcome=press_after_ten)
    assert (stopped.is_complete, stopped.planned) == (False, 100_000)
    assert stopped.outcomes == tuple(told)
    assert 10 <= stopped.sent < 100
    arrived = {one["headers"]["x-request-id"] for one in _traffic(seen)}
    assert arrived <= {one.request_id for one in stopped.outcomes}


def test_cancelled_run_tells_requests_under_way_and_raises(
    own_api: tuple[str, Seen], credentials: Credentials
) -> None:
    url, _ = own_api
    told: list[Outcome] = []

    async def cancel_after_five() -> None:
        def cancel(outcome: Outcome) -> None:
            told.append(outcome)
            if len(told) == 5:
                task.cancel()

        task = asyncio.create_task(
            run(url, Options(requests=1000), credentials=credentials, on_outcome=cancel)
        )
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel_after_five())
    assert {one.error for one in told[5:]} <= {INTERRUPTED, None}
    assert len(told) < 100


def test_failure_of_the_listener_ends_the_run(own_api: tuple[str, Seen]) -> None:
    def fail(outcome: Outcome) -> None:
        raise ZeroDivisionError(outcome.request_id)

    with pytest.raises(ZeroDivisionError):
        generate(own_api[0], Options(requests=1000), on_outcome=fail)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"requests": 0}, "requests 0: give at least 1"),
        ({"concurrency": 0}, "concurrency 0"),
        ({"delay": -1.0}, "delay -1.0"),
        ({"delay": float("nan")}, "delay nan"),
        ({"timeout": 0.0}, "timeout 0.0"),
        ({"timeout": float("inf")}, "timeout inf"),
        ({"run_id": "a b"}, "run id 'a b'"),
        ({"run_id": "x" * 101}, "run id"),
        ({"scenarios": ("valid", "no")}, "unknown scenario 'no'"),
    ],
)
def test_option_out_of_range_is_a_usage_error(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        Options(**wrong)
