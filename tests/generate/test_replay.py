"""Requests of a file or a log are sent again as they were, within the rules of every run."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from perfectcv_traffic.errors import StorageError, UsageError
from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.from_log import MADE_UP, read_log
from perfectcv_traffic.generate.options import Options
from perfectcv_traffic.generate.outline import outline
from perfectcv_traffic.generate.replay import Recorded, Recording, permitted
from perfectcv_traffic.generate.run import generate
from perfectcv_traffic.generate.selection import Selection
from perfectcv_traffic.generate.target import parse_target
from perfectcv_traffic.generate.vegeta import read_targets, write_targets
from perfectcv_traffic.record import TokenValidity, TrafficLog

Seen = list[dict[str, Any]]
HERE = "http://127.0.0.1:8000"
WRITES = Selection(allow_writes=True)


def _file(tmp_path: Path, *lines: Any) -> Path:
    path = tmp_path / "targets.jsonl"
    path.write_text("".join(f"{json.dumps(one)}\n" for one in lines))
    return path


def _log(tmp_path: Path, *records: TrafficLog) -> Path:
    path = tmp_path / "api_traffic.log"
    path.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in records))
    return path


def _record(**changes: Any) -> TrafficLog:
    values: dict[str, Any] = {"request_id": "r", "method": "GET", "path": "/open"}
    values |= {"status_code": 200, "token_present": False}
    return TrafficLog(**{**values, **changes})


def test_targets_of_a_file_arrive_as_they_stand(tmp_path: Path, api: str, seen: Seen) -> None:
    body = base64.b64encode(b'{"name": "n"}').decode()
    head = {
        "Content-Type": ["application/json"],
        "Authorization": ["Bearer $API"],
        "X-A": ["1", "2"],
    }
    path = _file(
        tmp_path,
        {"method": "GET", "url": f"{api}/open?page=2&names=a&names=b"},
        {"method": "post", "url": "/items", "body": body, "header": head},
    )
    recording = read_targets(path, parse_target(api), {"API": "a-valid-token-of-the-tests"})
    run = generate(
        api, Options(requests=None, selection=WRITES, concurrency=1), recording=recording
    )

    assert [(one.status, one.as_expected) for one in run.outcomes] == [(200, True), (201, True)]
    assert [one["query"] for one in seen] == ["page=2&names=a&names=b", ""]
    assert seen[1]["body"] == b'{"name": "n"}'
    assert seen[1]["headers"]["x-a"] == "1, 2"
    assert seen[1]["headers"]["x-traffic-run"] == run.run_id
    assert "a-valid-token" not in repr(recording)


def test_targets_go_round_until_the_number_is_reached(tmp_path: Path, api: str, seen: Seen) -> None:
    path = _file(tmp_path, *({"method": "GET", "url": f"/open?page={n}"} for n in (1, 2)))
    recording = read_targets(path, parse_target(api), {})
    generate(api, Options(requests=5, concurrency=1), recording=recording)
    assert [one["query"] for one in seen] == [f"page={n}" for n in (1, 2, 1, 2, 1)]


def test_plan_of_the_small_api_is_sent_as_targets(
    tmp_path: Path, api: str, credentials: Credentials, secrets: tuple[str, ...]
) -> None:
    path = tmp_path / "plan.jsonl"
    options = Options(requests=None, scenarios=("valid", "no_token", "empty_query"))
    path.write_text("".join(write_targets(outline(api, options, credentials))))
    recording = read_targets(path, parse_target(api), credentials.by_variable())
    outcomes = generate(api, Options(requests=None), recording=recording).outcomes

    assert not any(one in path.read_text() for one in secrets)
    assert recording.left_out == ()
    statuses = {(one.path, one.scenario): one.status for one in outcomes}
    for name in ("header", "query", "cookie", "basic"):
        assert statuses[f"/keys/{name}", "valid"] == 200
        assert statuses[f"/keys/{name}", "no_token"] in (401, 403)
    assert {one.scenario for one in outcomes} == {"valid", "no_token", "empty_query"}


def test_target_with_a_secret_that_is_not_set_is_left_out(tmp_path: Path) -> None:
    header = {"Authorization": ["Bearer $PCV_TOKEN"]}
    path = _file(tmp_path, {"method": "GET", "url": "/a", "header": header})
    recording = read_targets(path, parse_target(HERE), {})
    assert recording.requests == ()
    assert [one.reason for one in recording.left_out] == [
        "environment variable PCV_TOKEN is not set, or is not a named secret"
    ]


@pytest.mark.parametrize(
    "line", ["nonsense", "[]", '{"method": "GET"}', '{"method": 1, "url": ""}']
)
def test_line_that_is_no_target_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "targets.jsonl"
    path.write_text(f'{{"method": "GET", "url": "/a"}}\n{line}\n')
    with pytest.raises(UsageError, match=r"targets.jsonl:2 is no target"):
        read_targets(path, parse_target(HERE), {})


def test_file_of_targets_that_is_not_there_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        read_targets(tmp_path / "none", parse_target(HERE), {})


@pytest.mark.parametrize(
    ("method", "path", "selection", "reason"),
    [
        ("POST", "/a", Selection(), "writes are not allowed"),
        ("DELETE", "/a/1", Selection(), "deletes are not allowed"),
        ("DELETE", "/a/1", Selection(allow_deletes=True), "--delete-existing"),
        ("GET", "/auth/logout", Selection(), "risky: logout"),
        ("GET", "/a", Selection(exclude=("/a",)), "excluded"),
        ("BREW", "/a", WRITES, "method is not one"),
    ],
)
def test_recording_obeys_the_rules_of_every_run(
    method: str, path: str, selection: Selection, reason: str
) -> None:
    recorded = Recorded(method=method, path=path, url=HERE + path)
    with pytest.raises(UsageError, match=f"nothing to replay: .*{reason}"):
        permitted(Recording(requests=(recorded,)), selection, ())


def test_target_on_another_host_is_refused() -> None:
    recorded = Recorded(method="GET", path="/a", url="http://192.0.2.1/a?b=c")
    with pytest.raises(UsageError, match=r"192.0.2.1, not this machine"):
        permitted(Recording(requests=(recorded,)), Selection(), ())
    assert permitted(Recording(requests=(recorded,)), Selection(), ("192.0.2.1",)).requests


@pytest.mark.parametrize(
    ("source", "scheme", "where", "sent"),
    [
        ("header:authorization", "bearer", "headers", "Bearer right-token"),
        ("header:x-key", "api_key", "headers", "right-key"),
        ("header:authorization", "basic", "headers", "Basic dXNlcjpwYXNz"),
        ("cookie:session", "api_key", "headers", "session=right-key"),
        ("query:key", "api_key", "url", f"{HERE}/open?a=1&key=right-key"),
    ],
)
def test_credential_of_a_record_is_replaced_by_the_runs_own(
    tmp_path: Path, source: str, scheme: str, where: str, sent: str
) -> None:
    query = "a=1&key=[REDACTED]" if where == "url" else "a=1"
    record = _record(
        token_present=True, token_source=source, token_scheme=scheme, query_params=query,
        token_validity=TokenValidity.VALID, request_headers={"authorization": "[REDACTED]"},
    )  # fmt: skip
    right = Credentials(token="right-token", api_key="right-key", username="user", password="pass")
    log = _log(tmp_path, record, msgspec.structs.replace(record, token_validity="invalid"))
    valid, invalid = read_log(log, parse_target(HERE), right).requests
    found = valid.url if where == "url" else [*valid.headers.values()]
    assert sent in found
    told = invalid.url + str(invalid.headers)
    assert MADE_UP in told or base64.b64encode(f"{MADE_UP}:{MADE_UP}".encode()).decode() in told
    assert "right" not in told


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"request_body": '{"password":"[REDACTED]"}'}, "its body was redacted"),
        ({"request_body": "{", "request_body_note": "cut"}, "not kept whole (cut)"),
        ({"request_bytes": 10}, "its body was not kept whole"),
        ({"query_params": "code=[REDACTED]"}, "its URL was redacted"),
        ({"token_present": True, "token_scheme": "bearer"}, "no credential for its scheme"),
        ({"scenario": "setup"}, "it prepared an earlier run"),
    ],
)
def test_record_that_is_not_whole_is_left_out_with_the_reason(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    log = _log(tmp_path, _record(**changes))
    recording = read_log(log, parse_target(HERE), Credentials())
    assert recording.requests == ()
    assert reason in recording.left_out[0].reason


def test_recorded_requests_are_sent_again_and_their_answers_compared(
    tmp_path: Path, api: str, seen: Seen
) -> None:
    team = '{"title":"t","players":[]}'
    log = _log(
        tmp_path,
        _record(path="/open", query_params="page=3", request_headers={"x-b": "1", "host": "h"}),
        _record(method="POST", path="/teams", request_body=team, request_bytes=len(team),
                request_headers={"content-type": "application/json"}),
        _record(path="/items", status_code=200),
    )  # fmt: skip
    log.write_bytes(log.read_bytes() + b"no record\n")
    recording = read_log(log, parse_target(api), Credentials())
    run = generate(
        api, Options(requests=None, selection=WRITES, concurrency=1), recording=recording
    )

    assert [(one.status, one.as_expected) for one in run.outcomes] == [
        (200, True), (200, True), (401, False)
    ]  # fmt: skip
    assert run.outcomes[2].expected == "200, as recorded"
    assert [one["path"] for one in seen] == ["/open", "/teams", "/items"]
    assert seen[0]["headers"]["x-b"] == "1"
    assert seen[0]["headers"]["host"] != "h"
    assert seen[1]["body"].decode() == team
    assert [one.reason for one in run.left_out] == ["the line is no traffic record"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"url": "http://[/x"}, "its URL is not valid"),
        ({"url": "", "path": "@evil.example/x"}, "its URL has no path"),
    ],
)
def test_record_of_a_hostile_request_leaves_the_others_in(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    log = _log(tmp_path, _record(**changes), _record())

    recording = read_log(log, parse_target(HERE), Credentials())

    assert len(recording.requests) == 1
    assert [one.reason for one in recording.left_out] == [reason]


def test_line_that_is_nested_without_end_is_no_record(tmp_path: Path) -> None:
    log = _log(tmp_path, _record())
    log.write_bytes(log.read_bytes() + b'{"x":' + b"[" * 100_000 + b"\n")

    recording = read_log(log, parse_target(HERE), Credentials())

    assert [one.reason for one in recording.left_out] == ["the line is no traffic record"]
