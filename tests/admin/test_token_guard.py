"""Who gets in, who does not, and what is left of it in the records."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from perfectcv_traffic import setup_monitoring
from perfectcv_traffic.admin.token_guard import (
    MAX_ADDRESSES,
    MAX_FAILURES,
    UNGUESSABLE,
    WINDOW_SECONDS,
    WRONG,
    Attempts,
    Guard,
)
from perfectcv_traffic.errors import UsageError

TOKEN = "an-admin-token-for-tests"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
PATHS = ("request-logs", "request-stats", "null-logs", "rate-limits", "url-stats", "uuid-logs")


@pytest.mark.parametrize("token", ["", "   "])
def test_without_a_configured_token_nothing_is_there(serve: Any, token: str) -> None:
    service = serve(admin_token=token, admin_metrics=True)

    for path in (*PATHS, "live", "metrics", "", "openapi.json"):
        for headers in ({}, {"Authorization": "Bearer"}, {"X-Admin-Token": token.strip()}):
            assert service.client.get(f"/admin/{path}", headers=headers).status_code == 404


def test_token_comes_from_the_environment(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERFECTCV_TRAFFIC_ADMIN_TOKEN", "from-the-environment")
    service = serve(admin_token=None)

    sent = {"Authorization": "Bearer from-the-environment"}
    assert service.client.get("/admin/url-stats", headers=sent).status_code == 503  # no database


@pytest.mark.parametrize("token", ["two words", "tab\tinside", " a b "])
def test_token_that_no_bearer_header_can_carry_is_refused_at_the_start(token: str) -> None:
    with pytest.raises(UsageError, match="admin_token holds a space") as refused:
        setup_monitoring(FastAPI(), admin_token=token)

    assert token not in str(refused.value)


@pytest.mark.parametrize("path", [*PATHS, "live", "openapi.json", "no-such-endpoint"])
def test_no_credential_is_answered_401(service: Any, path: str) -> None:
    answer = service.client.get(f"/admin/{path}")

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["status"] == "error"


def test_malformed_authorization_is_answered_401(own_service: Any) -> None:
    double = f"Bearer {TOKEN} {TOKEN}"
    for value in (TOKEN, f"Basic {TOKEN}", "Bearer", double, f"Token {TOKEN}", ""):
        answer = own_service.client.get("/admin/url-stats", headers={"Authorization": value})

        assert answer.status_code == 401, value
        assert "www-authenticate" in answer.headers


def test_wrong_token_is_answered_403(own_service: Any) -> None:
    attempts: list[Any] = [
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": b"Bearer \xc3\xa4\xff"},
        {"X-Admin-Token": "wrong"},
    ]
    for headers in attempts:
        answer = own_service.client.get("/admin/url-stats", headers=headers)

        assert answer.status_code == 403, headers
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        AUTHORIZED,
        {"Authorization": f"bearer  {TOKEN}"},
        {"X-Admin-Token": TOKEN},
        {"X-Admin-Token": TOKEN, "Authorization": "Bearer of-the-application"},
    ],
)
def test_right_token_is_let_in(service: Any, headers: dict[str, str]) -> None:
    answer = service.client.get("/admin/url-stats", headers=headers)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["token", "access_token", "admin_token", "authorization"])
def test_token_in_the_query_opens_nothing(service: Any, name: str) -> None:
    answer = service.client.get("/admin/url-stats", params={name: TOKEN})

    assert answer.status_code == 401


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_token_that_is_not_ascii_works(serve: Any, encoding: str) -> None:
    service = serve(admin_token="schlüssel-für-alles")
    sent = {"Authorization": "Bearer schlüssel-für-alles".encode(encoding)}

    service.client.get("/items/1")
    service.ingest()
    assert service.client.get("/admin/url-stats", headers=sent).status_code == 200
    assert service.client.get("/admin/url-stats", headers=AUTHORIZED).status_code == 403


def test_many_failed_attempts_are_refused_and_the_right_token_is_let_in(own_service: Any) -> None:
    """Who guesses and who knows may share an address: that of a proxy nobody told us to trust."""
    wrong = {"Authorization": "Bearer wrong"}
    statuses = [
        own_service.client.get("/admin/url-stats", headers=wrong).status_code
        for _ in range(MAX_FAILURES)
    ]
    refused = own_service.client.get("/admin/url-stats", headers=wrong)

    assert set(statuses) == {403}
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= WINDOW_SECONDS + 1
    assert own_service.client.get("/admin/url-stats", headers=AUTHORIZED).status_code == 200
    assert own_service.client.get("/admin/url-stats", headers=wrong).status_code == 429
    assert own_service.client.get("/admin/url-stats").status_code == 401
    assert own_service.client.get("/items/1").status_code == 200  # the application goes on


@pytest.mark.parametrize(("length", "is_let_in"), [(UNGUESSABLE - 1, False), (UNGUESSABLE, True)])
def test_token_that_might_be_guessed_is_refused_like_any_other(
    length: int, is_let_in: bool
) -> None:
    now = 0.0
    token = "x" * length
    guard = Guard(token, lambda: now)
    for _ in range(MAX_FAILURES):
        assert guard.refusal([(b"x-admin-token", b"wrong")], "203.0.113.1") is WRONG
    right = [(b"x-admin-token", token.encode())]

    assert (guard.refusal(right, "203.0.113.1") is None) == is_let_in
    assert guard.refusal(right, "203.0.113.2") is None
    now += WINDOW_SECONDS + 1
    assert guard.refusal(right, "203.0.113.1") is None


def test_failed_attempts_are_recorded_without_what_was_sent(own_service: Any) -> None:
    own_service.client.get(
        "/admin/url-stats", headers={"Authorization": "Bearer wrong-secret-token"}
    )
    own_service.client.get("/admin/null-logs")
    own_service.admin("url-stats")
    own_service.ingest()

    logs = own_service.admin("request-logs", path="/admin/", include_admin=True)["logs"]
    assert [(log["path"], log["status_code"], log["token_present"]) for log in logs] == [
        ("/admin/url-stats", 200, True),
        ("/admin/null-logs", 401, False),
        ("/admin/url-stats", 403, True),
    ]
    written = own_service.log.read_text("utf-8")
    assert "wrong" not in written
    assert TOKEN not in written
    assert TOKEN[:4] not in written


def test_attempts_are_forgotten_after_the_window() -> None:
    now = 1000.0
    attempts = Attempts(lambda: now)
    for _ in range(MAX_FAILURES):
        attempts.failed("203.0.113.1")

    assert attempts.wait("203.0.113.1") == WINDOW_SECONDS
    assert attempts.wait("203.0.113.2") == 0
    now += WINDOW_SECONDS + 1
    assert attempts.wait("203.0.113.1") == 0


def test_attempts_of_one_ipv6_network_count_together() -> None:
    attempts = Attempts(lambda: 0.0)
    for number in range(MAX_FAILURES):
        attempts.failed(f"2001:db8::{number:x}")

    assert attempts.wait("2001:db8::ffff") > 0
    assert attempts.wait("2001:db8:1::1") == 0


def test_attempts_from_everywhere_need_bounded_memory() -> None:
    attempts = Attempts(lambda: 0.0)
    for number in range(MAX_ADDRESSES + 100):
        attempts.failed(str(number))

    assert len(attempts._failures) == MAX_ADDRESSES


def test_requests_without_a_credential_are_no_attempts() -> None:
    guard = Guard(TOKEN, lambda: 0.0)
    for _ in range(2 * MAX_FAILURES):
        guard.refusal([], "203.0.113.1")

    wrong = [(b"authorization", b"Bearer wrong")]
    assert guard.refusal(wrong, "203.0.113.1") is WRONG


def test_endpoints_are_not_in_the_application_s_document(service: Any) -> None:
    assert "admin" not in service.client.get("/openapi.json").text


def test_endpoints_are_in_the_document_when_asked_for(serve: Any) -> None:
    service = serve(admin_openapi=True)
    document = service.client.get("/openapi.json").json()

    assert {f"/admin/{path}" for path in PATHS} <= set(document["paths"])
    assert "/items" in document["paths"]
    assert service.client.get("/openapi.json").json() == document


def test_other_prefix_moves_everything(serve: Any) -> None:
    service = serve(admin_prefix="/ops/traffic")
    service.client.get("/items/1")
    service.ingest()

    answer = service.client.get("/ops/traffic/url-stats", headers=AUTHORIZED)
    assert answer.json()["total_accesses"] == 1
    assert service.client.get("/admin/url-stats", headers=AUTHORIZED).status_code == 404
    assert service.client.get("/ops/trafficker", headers=AUTHORIZED).status_code == 404


@pytest.mark.parametrize("prefix", ["admin", "/", "/admin/", "/a b", "", "/{x}"])
def test_prefix_that_is_no_path_is_refused(tmp_path: Any, prefix: str) -> None:
    with pytest.raises(UsageError, match="admin_prefix"):
        setup_monitoring(FastAPI(), log=tmp_path / "l", admin_token="x", admin_prefix=prefix)


def test_prefix_that_the_application_uses_is_refused(tmp_path: Any) -> None:
    app = FastAPI()
    app.add_api_route("/admin/users", lambda: None)

    with pytest.raises(UsageError, match="/admin/users"):
        setup_monitoring(app, log=tmp_path / "l", admin_token="x")


def test_second_set_up_changes_nothing(serve: Any, tmp_path: Any) -> None:
    app = FastAPI()
    service = serve(app)

    assert setup_monitoring(app, admin_token="another") is service.monitor
    service.client.get("/items/1")
    service.ingest()
    assert service.client.get("/admin/url-stats", headers=AUTHORIZED).status_code == 200


def test_disabled_recorder_serves_no_admin_endpoints(serve: Any) -> None:
    service = serve(disabled=True)

    assert service.client.get("/admin/url-stats", headers=AUTHORIZED).status_code == 404


def test_application_s_cors_rules_do_not_open_the_endpoints(serve: Any) -> None:
    app = FastAPI()
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_headers=["*"])
    service = serve(app)
    headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET"}

    answer = service.client.options("/admin/url-stats", headers={**headers, **AUTHORIZED})
    assert "access-control-allow-origin" not in answer.headers


def test_starlette_and_plain_asgi_applications_have_them_too(serve: Any) -> None:
    inner = Starlette(routes=[Route("/hello", lambda _: PlainTextResponse("hello"))])

    async def plain(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope, receive, send)

    service = serve(plain)
    assert service.client.get("/hello").text == "hello"
    service.ingest()
    assert service.admin("url-stats")["total_accesses"] == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_changed(service: Any, method: str) -> None:
    answer = service.client.request(method, "/admin/request-logs", headers=AUTHORIZED)

    assert answer.status_code == 405
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("root_path", "path", "is_there"),
    [
        ("/api", "/api/admin/url-stats", True),
        ("/api", "/admin/url-stats", True),
        ("/a", "/admin/url-stats", True),
        ("/a", "/a/admin/url-stats", True),
        ("/api", "/api/administration", False),
        ("", "/administration", False),
    ],
)
def test_prefix_is_found_below_the_path_that_a_proxy_adds(
    serve: Any, root_path: str, path: str, is_there: bool
) -> None:
    async def statuses(app: Any) -> tuple[int, int]:
        transport = httpx.ASGITransport(app=app, root_path=root_path)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            refused = await client.get(path)
            return refused.status_code, (await client.get(path, headers=AUTHORIZED)).status_code

    # 503: nothing was recorded yet, so that the endpoint has no database to answer from.
    expected = (401, 503) if is_there else (404, 404)
    assert asyncio.run(statuses(serve().monitor.app)) == expected
