"""What is recorded, and how to switch it off."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Response

from perfectcv_traffic import TrafficLog, setup_monitoring
from perfectcv_traffic.errors import UsageError

Talk = Callable[..., Any]
Setup = Callable[..., Any]
Record = Callable[[Any], dict[str, Any]]
Records = Callable[[Any], list[dict[str, Any]]]


@pytest.mark.parametrize(
    "path",
    ["/health", "/healthz", "/api/_healthz/", "/health-check", "/readyz", "/live", "/ping",
     "/HeartBeat", "/v1/readiness"],
)  # fmt: skip
def test_health_checks_are_counted_not_recorded_unless_they_fail(
    monitor: Setup, talk: Talk, records: Records, path: str
) -> None:
    statuses = iter([200, 503, 404, 302])

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await Response("", next(statuses))(scope, receive, send)

    watching = monitor(app)
    for _ in range(4):
        talk(watching.app, path=path)
    assert [row["status_code"] for row in records(watching)] == [503, 404]
    assert watching.counters.excluded == 2


@pytest.mark.parametrize("path", ["/healthy-food", "/pinging", "/live/stream", "/api/alive"])
def test_paths_that_resemble_health_checks_are_recorded(
    monitor: Setup, talk: Talk, record: Record, path: str
) -> None:
    watching = monitor(Response(""))
    talk(watching.app, path=path)
    assert record(watching)["path"] == path


def test_generated_traffic_is_recorded_whatever_is_left_out(
    monitor: Setup, talk: Talk, records: Records
) -> None:
    watching = monitor(Response(""), sample_rate=0.0001)
    for path in ("/health", "/items"):
        talk(watching.app, path=path, headers=[(b"X-Traffic-Run", b"run1")])
    assert [row["path"] for row in records(watching)] == ["/health", "/items"]


def test_excluded_paths_can_be_chosen_also_none(
    monitor: Setup, talk: Talk, records: Records
) -> None:
    watching = monitor(Response(""), excluded_paths=["^/metrics"])
    for path in ("/metrics/x", "/health"):
        talk(watching.app, path=path)
    assert [row["path"] for row in records(watching)] == ["/health"]


def test_excluded_paths_that_are_no_pattern_are_refused(monitor: Setup) -> None:
    with pytest.raises(UsageError, match="excluded_paths"):
        monitor(FastAPI(), excluded_paths=["("])


def test_sampling_keeps_errors_slow_requests_and_nulls(
    monitor: Setup, talk: Talk, records: Records
) -> None:
    app = FastAPI()
    app.add_api_route("/ok", lambda: 1)
    app.add_api_route("/null", lambda: {"a": None})
    watching = monitor(app, sample_rate=0)
    for path in ("/ok", "/null", "/none", "/ok?q=null", "/ok"):
        talk(app, path=path)
    kept = [(row["path"], row["query_params"], row["weight"]) for row in records(watching)]
    assert kept == [("/null", "", 1.0), ("/none", "", 1.0), ("/ok", "q=null", 1.0)]
    assert watching.counters.sampled_out == 2


def test_sampling_keeps_slow_requests(monitor: Setup, talk: Talk, records: Records) -> None:
    watching = monitor(Response(""), sample_rate=0, slow_ms=0)
    talk(watching.app)
    assert [row["weight"] for row in records(watching)] == [1.0]


def test_sampled_records_carry_their_weight(monitor: Setup, talk: Talk, records: Records) -> None:
    watching = monitor(Response(""), sample_rate=0.5)
    for _ in range(200):
        talk(watching.app)
    rows = records(watching)
    assert {row["weight"] for row in rows} == {2.0}
    assert len(rows) + watching.counters.sampled_out == 200
    assert 40 < len(rows) < 160  # nine standard deviations


def test_bodies_off_counts_bytes_only(monitor: Setup, talk: Talk, record: Record) -> None:
    watching = monitor(Response('{"a":null}', media_type="application/json"), capture_bodies=False)
    talk(watching.app)
    row = record(watching)
    assert (row["response_body"], row["response_bytes"]) == (None, 10)
    assert (row["response_body_note"], row["null_response_count"]) == ("off", 0)
    assert row["nulls_partial"] is True


def test_headers_off_keeps_what_is_derived_from_them(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    watching = monitor(Response(""), capture_headers=False)
    talk(watching.app, headers=[(b"user-agent", b"x"), (b"authorization", b"Bearer abc")])
    row = record(watching)
    assert (row["request_headers"], row["response_headers"]) == (None, None)
    assert (row["user_agent"], row["token_present"]) == ("x", True)


@pytest.mark.parametrize("limit", [0, 3])
def test_body_limit_cuts_after_redaction(
    monitor: Setup, talk: Talk, record: Record, limit: int
) -> None:
    watching = monitor(Response('{"a":null}', media_type="application/json"), body_limit=limit)
    talk(watching.app)
    row = record(watching)
    assert row["response_body"] == ('{"a' if limit else None)
    assert (row["response_body_note"], row["null_response_count"]) == ("cut", 1)


def test_disabled_leaves_the_application_alone(monitor: Setup, monkeypatch: Any) -> None:
    monkeypatch.setenv("PERFECTCV_TRAFFIC_DISABLED", "1")
    app = FastAPI()
    build = app.build_middleware_stack
    assert monitor(app).app is app
    assert app.build_middleware_stack == build


def test_other_names_can_be_secret_or_kept(monitor: Setup, talk: Talk, record: Record) -> None:
    content = '{"nationalId":1,"national_id":2,"tokens":3,"session":"open"}'
    app = Response(content, media_type="application/json")
    watching = monitor(app, redact=["national-id"], keep=["session"])
    talk(watching.app)
    assert json.loads(record(watching)["response_body"]) == {
        "nationalId": "[REDACTED]", "national_id": "[REDACTED]", "tokens": 3, "session": "open",
    }  # fmt: skip


def test_text_redactor_of_the_application_sees_all_text(
    monitor: Setup, talk: Talk, record: Record, log: Path
) -> None:
    content = '{"message":"call 555-1234"}'
    watching = monitor(
        Response(content, media_type="application/json", headers={"x-phone": "555-1234"}),
        redact_text=lambda text: text.replace("555-1234", "[PHONE]"),
    )
    talk(watching.app, path="/p/555-1234?q=555-1234", headers=[(b"user-agent", b"555-1234")])
    assert record(watching)["response_body"] == '{"message":"call [PHONE]"}'
    assert b"555-1234" not in log.read_bytes()


def test_text_redactor_that_fails_blanks(monitor: Setup, talk: Talk, record: Record) -> None:
    watching = monitor(Response("secretive", media_type="text/plain"), redact_text=lambda t: t[99])
    talk(watching.app)
    assert record(watching)["response_body"] == "[REDACTED]"


class TenantLog(TrafficLog):
    tenant: str | None = None
    token_of_tenant: str | None = None
    rank: int | None = None


def fill(record: TenantLog, scope: Any) -> None:
    record.tenant = scope["tenant"]
    record.token_of_tenant = "hunter2hunter2"
    record.rank = len(record.path)


def test_model_and_enrich_add_columns(
    monitor: Setup, talk: Talk, record: Record, log: Path
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["tenant"] = "acme password=hunter2"
        await Response("")(scope, receive, send)

    watching = monitor(app, model=TenantLog, enrich=fill)
    talk(watching.app, path="/abc")
    row = record(watching)
    assert list(row)[-3:] == ["tenant", "token_of_tenant", "rank"]
    assert (row["tenant"], row["rank"]) == ("acme password=[REDACTED]", 4)
    assert row["token_of_tenant"] == "[REDACTED]"
    assert b"hunter2" not in log.read_bytes()


def test_enrich_that_fails_loses_only_the_enrichment(
    monitor: Setup, talk: Talk, records: Records, caplog: Any
) -> None:
    watching = monitor(Response(""), model=TenantLog, enrich=fill)
    for _ in range(2):
        talk(watching.app)
    assert ["tenant" in row for row in records(watching)] == [False, False]
    assert caplog.text.count("enrich failed") == 1


def ends_the_process(*_given: Any) -> Any:
    raise SystemExit(1)


def test_functions_that_end_the_process_do_not(
    monitor: Setup, talk: Talk, records: Records, caplog: Any
) -> None:
    watching = monitor(Response("answer"), enrich=ends_the_process, redact_text=ends_the_process)
    for _ in range(2):
        talk(watching.app)
    assert [row["response_body"] for row in records(watching)] == ["[REDACTED]"] * 2
    assert caplog.text.count("enrich failed") == 1


class NeedsMore(TrafficLog, kw_only=True):
    tenant: str


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": NeedsMore}, "give tenant a default"),
        ({"model": dict}, "must be a subclass"),
        ({"enrich": 1}, "enrich must be a function"),
        ({"nonsense": 1}, "unknown setting"),
        ({"sample_rate": 2}, "sample_rate"),
        ({"client_ip": "some"}, "client_ip"),
    ],
)
def test_k6_unusable_arguments_are_refused_at_set_up(given: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        setup_monitoring(FastAPI(), **given)


def test_something_that_is_no_application_is_refused() -> None:
    with pytest.raises(UsageError, match="needs an ASGI application"):
        setup_monitoring(3)
