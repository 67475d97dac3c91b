"""Headers, tokens, secrets."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Response
from fastapi.security import (
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    HTTPBasic,
    HTTPBearer,
    OAuth2PasswordBearer,
)

from perfectcv_traffic.capture import credentials

Talk = Callable[..., Any]
Setup = Callable[..., Any]
Record = Callable[[Any], dict[str, Any]]
Records = Callable[[Any], list[dict[str, Any]]]

TOKEN = "abcd" + "0123456789" * 3 + "wxyz"


def bearer(value: str = TOKEN) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", f"Bearer {value}".encode())]


def jwt(**claims: Any) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims)}.c2lnbmF0dXJl"


@pytest.fixture
def sent(monitor: Setup, talk: Talk, record: Record) -> Callable[..., dict[str, Any]]:
    """The record of a request with these headers."""

    def of(headers: Any = (), path: str = "/", status: int = 200, **more: Any) -> dict[str, Any]:
        watching = monitor(Response("{}", status))
        talk(watching.app, path=path, headers=list(headers), **more)
        return record(watching)

    return of


def test_e1_bearer_token_is_masked_everywhere(sent: Any, log: Any) -> None:
    row = sent(bearer())
    assert (row["token_present"], row["token_scheme"]) == (True, "bearer")
    assert (row["api_token"], row["token_source"]) == ("abcd...wxyz", "header:authorization")
    assert row["request_headers"]["authorization"] == "[REDACTED]"
    assert b"0123456789" not in log.read_bytes()


@pytest.mark.parametrize(("length", "shown"), [(1, "***"), (12, "***"), (13, "xxxx...xxxx")])
def test_e2_short_tokens_are_masked_whole(sent: Any, length: int, shown: str) -> None:
    assert sent(bearer("x" * length))["api_token"] == shown


def test_e3_basic_is_masked_whole(sent: Any, log: Any) -> None:
    value = base64.b64encode(b"administrator:hunter2hunter2").decode()
    row = sent([(b"authorization", f"Basic {value}".encode())])
    assert (row["token_scheme"], row["api_token"]) == ("basic", "***")
    assert value.encode() not in log.read_bytes()


@pytest.mark.parametrize(
    ("header", "present", "scheme"),
    [
        ("Digest username=a", True, "digest"),
        ("Negotiate YII", True, "negotiate"),
        ("ApiKey 0123456789abcdef", True, "apikey"),
        ("0123456789abcdefgh", True, "none"),
        ("S3CRETS3CRETS3CRET with words", True, "other"),
        ("", False, None),
        ("   ", False, None),
        ("Bearer", True, "bearer"),
        ("Bearer  two-spaces-0123456789", True, "bearer"),
        ("Bearer\ttab-0123456789", True, "bearer"),
        ("bEARER 0123456789abcdef", True, "bearer"),
    ],
)
def test_e4_authorization_of_any_form(
    sent: Any, log: Any, header: str, present: bool, scheme: str | None
) -> None:
    row = sent([(b"authorization", header.encode())], status=401)
    assert (row["token_present"], row["token_scheme"]) == (present, scheme)
    assert row["token_validity"] == ("invalid" if present else "absent")
    if header == "Bearer":
        assert row["token_reason"] == "malformed"
    assert b"S3CRETS3CRET" not in log.read_bytes().upper()


def test_empty_authorization_does_not_hide_another_credential(sent: Any) -> None:
    row = sent([(b"authorization", b""), (b"x-api-key", TOKEN.encode())])
    assert (row["token_scheme"], row["token_source"]) == ("api_key", "header:x-api-key")


@pytest.mark.parametrize(
    "name", ["X-API-Key", "X-Auth-Token", "X-Amz-Security-Token", "Api-Key", "X-Access-Token"]
)
def test_e5_e12_key_headers_are_credentials_in_any_case(sent: Any, log: Any, name: str) -> None:
    row = sent([(name.encode(), TOKEN.encode())])
    assert (row["token_scheme"], row["token_source"]) == ("api_key", f"header:{name.lower()}")
    assert row["request_headers"][name.lower()] == "[REDACTED]"
    assert b"0123456789" not in log.read_bytes()


@pytest.mark.parametrize("name", [b"Proxy-Authorization", b"X-CSRF-Token", b"Stripe-Signature"])
def test_e5_secret_headers_that_are_no_credentials_are_redacted(
    sent: Any, log: Any, name: bytes
) -> None:
    row = sent([(name, TOKEN.encode())])
    assert row["token_present"] is False
    assert b"0123456789" not in log.read_bytes()


def protected(*schemes: Any) -> FastAPI:
    app = FastAPI()
    router = APIRouter(dependencies=[Depends(scheme) for scheme in schemes])
    router.add_api_route("/in", lambda: 1)
    app.include_router(router, prefix="/deep")
    app.add_api_route("/open", lambda: 1)
    return app


@pytest.mark.parametrize(
    ("scheme", "headers", "query", "source"),
    [
        (APIKeyQuery(name="k"), [], "?k=" + TOKEN, "query:k"),
        (APIKeyCookie(name="sid"), [(b"cookie", f"a=b; sid={TOKEN}".encode())], "", "cookie:sid"),
        (APIKeyHeader(name="X-Own"), [(b"x-own", TOKEN.encode())], "", "header:x-own"),
        (HTTPBearer(), bearer(), "", "header:authorization"),
        (OAuth2PasswordBearer("t"), bearer(), "", "header:authorization"),
        (HTTPBasic(auto_error=False), bearer(), "", "header:authorization"),
    ],
)
def test_e6_credential_is_found_where_the_route_declares_it(
    *,
    monitor: Setup, talk: Talk, record: Record,
    scheme: Any, headers: Any, query: str, source: str,
) -> None:  # fmt: skip
    app = protected(scheme)
    watching = monitor(app)
    assert talk(app, path=f"/deep/in{query}", headers=headers).status == 200
    row = record(watching)
    assert (row["token_source"], row["auth_required"]) == (source, True)
    assert row["token_validity"] == "valid"


@pytest.mark.parametrize(
    ("scheme", "headers", "query"),
    [
        (APIKeyQuery(name="k"), [], f"?a=1&k={TOKEN}&b=%20&%6B={TOKEN}"),
        (APIKeyHeader(name="X-Own"), [(b"x-own", TOKEN.encode()), (b"x-other", b"b")], ""),
    ],
)
def test_e6_credential_of_a_name_that_says_nothing_is_blank_on_every_route(
    *,
    monitor: Setup, talk: Talk, records: Records, log: Any,
    scheme: Any, headers: Any, query: str,
) -> None:  # fmt: skip
    app = protected(scheme)
    watching = monitor(app)
    for path in ("/deep/in", "/open", "/nowhere"):
        talk(app, path=f"{path}{query}", headers=headers)
    first, *_ = records(watching)
    assert b"0123456789" not in log.read_bytes()
    if query:
        assert first["query_params"] == "a=1&k=[REDACTED]&b=%20&%6B=[REDACTED]"
        assert first["url"].endswith("?a=1&k=[REDACTED]&b=%20&%6B=[REDACTED]")
    else:
        kept = first["request_headers"]
        assert (kept["x-own"], kept["x-other"]) == ("[REDACTED]", "b")


def test_e6_declared_credential_that_is_to_be_kept_is_kept(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    app = protected(APIKeyHeader(name="X-Own"))
    watching = monitor(app, keep=["x-own"])
    talk(app, path="/deep/in", headers=[(b"x-own", b"plain")])
    assert record(watching)["request_headers"]["x-own"] == "plain"


def test_e6_bearer_token_in_a_form(sent: Any, monitor: Setup, talk: Talk, record: Record) -> None:
    async def reads(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await Response("{}")(scope, receive, send)

    watching = monitor(reads)
    form = [(b"content-type", b"application/x-www-form-urlencoded")]
    talk(watching.app, "POST", body=f"a=1&access_token={TOKEN}".encode(), headers=form)
    row = record(watching)
    assert (row["token_source"], row["api_token"]) == ("form:access_token", "abcd...wxyz")


def test_e7_of_several_authorization_headers_the_first_counts_and_all_are_redacted(
    sent: Any, log: Any
) -> None:
    row = sent([*bearer(), (b"authorization", b"Basic c2Vjb25kOnNlY29uZA==")])
    assert row["token_scheme"] == "bearer"
    assert row["request_headers"]["authorization"] == "[REDACTED], [REDACTED]"
    assert b"c2Vjb25k" not in log.read_bytes()


@pytest.mark.parametrize("name", ["access_token", "access_token_cookie", "auth_token", "jwt"])
def test_token_in_a_cookie_that_no_scheme_declares_is_a_credential(
    sent: Any, log: Any, name: str
) -> None:
    row = sent([(b"cookie", f'theme=dark; {name}="Bearer {TOKEN}"'.encode())])
    assert (row["token_present"], row["token_source"]) == (True, f"cookie:{name}")
    assert (row["token_scheme"], row["api_token"]) == ("bearer", "abcd...wxyz")
    assert b"0123456789" not in log.read_bytes()


def test_e8_cookies_keep_names_only(sent: Any) -> None:
    row = sent([(b"cookie", b"session=abc; theme=dark")])
    assert row["token_present"] is False
    assert row["request_headers"]["cookie"] == "session=[REDACTED]; theme=[REDACTED]"


@pytest.mark.parametrize(
    ("headers", "status", "path", "expected"),
    [
        ([], 401, "/deep/in", ("absent", None)),
        (bearer(), 401, "/deep/in", ("invalid", "rejected")),
        (bearer(), 403, "/deep/in", ("unknown", None)),
        (bearer(), 200, "/deep/in", ("valid", None)),
        (bearer(), 200, "/open", ("unknown", None)),
        (bearer(jwt(exp=1)), 401, "/deep/in", ("invalid", "expired")),
        (bearer("eyJhbGciOi"), 401, "/deep/in", ("invalid", "malformed")),
        (bearer("eyJ.e30.x" + "y" * 1_000_000), 401, "/deep/in", ("invalid", "malformed")),
        (bearer("a...b"), 401, "/deep/in", ("invalid", "rejected")),
        (bearer(jwt(exp=True, alg="none")), 401, "/deep/in", ("invalid", "expired")),
        (bearer(jwt(exp="soon")), 401, "/deep/in", ("invalid", "rejected")),
    ],
)
def test_e9_e10_validity_follows_from_the_outcome(
    *,
    monitor: Setup, talk: Talk, record: Record,
    headers: Any, status: int, path: str, expected: tuple[str, str | None],
) -> None:  # fmt: skip
    def refuse() -> None:
        if status >= 400:
            raise HTTPException(status)

    app = FastAPI()
    auth = Depends(HTTPBearer(auto_error=False))
    app.add_api_route("/deep/in", lambda: 1, dependencies=[auth, Depends(refuse)])
    app.add_api_route("/open", lambda: 1)
    watching = monitor(app)
    assert talk(app, path=path, headers=headers).status == status
    row = record(watching)
    assert (row["token_validity"], row["token_reason"]) == expected
    assert row["auth_required"] is (path == "/deep/in")


def test_e11_header_values_and_their_total_are_bounded(sent: Any) -> None:
    many = [(b"x-%d" % number, b"\xff" * 300) for number in range(500)]
    row = sent([(b"x-long", b"y" * 65_536), (b"x-odd", b"gr\xfcn"), *many])
    kept = row["request_headers"]
    assert len(kept["x-long"]) == 4096
    assert kept["x-odd"] == "grün"
    assert sum(len(name) + len(value) for name, value in kept.items()) <= 32_768
    assert len(kept) <= 200


def test_e13_repeated_headers_are_joined(sent: Any) -> None:
    row = sent([(b"x-forwarded-for", b"1.1.1.1"), (b"x-forwarded-for", b"2.2.2.2")])
    assert row["request_headers"]["x-forwarded-for"] == "1.1.1.1, 2.2.2.2"


def test_e14_line_breaks_and_escapes_stay_inside_one_line(sent: Any, log: Any) -> None:
    evil = b'a\r\n{"request_id":"forged"}\x1b[31m\x00'
    row = sent([(b"user-agent", evil), (b"x-evil\n", evil)], path="/a\nb\u2028c")
    assert log.read_bytes().count(b"\n") == 1
    assert row["user_agent"] == evil.decode()
    assert row["path"] == "/a\nb\u2028c"


def test_e15_secret_path_parameters_are_redacted(
    monitor: Setup, talk: Talk, record: Record, log: Any
) -> None:
    app = FastAPI()
    app.add_api_route("/reset/{token}", lambda token: {"len": len(token)})
    watching = monitor(app)
    talk(app, path="/reset/S3CRET%20x", raw_path=b"/reset/S3CRET%20x")
    row = record(watching)
    assert row["path"] == "/reset/[REDACTED]"
    assert row["url"] == "http://api.example/reset/[REDACTED]"
    assert b"S3CRET" not in log.read_bytes()


def test_e16_credentials_of_urls_in_answers_are_redacted(
    monitor: Setup, talk: Talk, record: Record, log: Any
) -> None:
    text = {"detail": "cannot reach postgres://me:hun@ter2@db:5432/x"}
    watching = monitor(Response(json.dumps(text), 500, media_type="application/json"))
    talk(watching.app)
    row = record(watching)
    assert row["error_message"] == "cannot reach postgres://[REDACTED]@db:5432/x"
    assert b"ter2" not in log.read_bytes()


def test_e17_user_agent_missing_or_long(sent: Any) -> None:
    assert len(sent([(b"user-agent", b"x" * 10_000)])["user_agent"]) == 512


def test_e17_user_agent_missing(sent: Any) -> None:
    assert sent([])["user_agent"] is None


def test_e18_nothing_of_a_token_but_its_mask_is_kept() -> None:
    credential = credentials.Credential("bearer", "header:authorization", TOKEN)
    assert TOKEN not in repr(credential)
    assert credentials.mask(credential) == "abcd...wxyz"


async def verify_async(token: str) -> bool:
    await asyncio.sleep(0)
    return token.startswith("good")


def verify_sync(token: str) -> Any:
    return {"good": True, "bad": False, "old": "expired", "odd": "whatever"}.get(
        token[: 3 + (token[:4] == "good")]
    )


@pytest.mark.parametrize(
    ("verify", "token", "expected"),
    [
        (verify_sync, "good-token", ("valid", None)),
        (verify_sync, "bad-token", ("invalid", "rejected")),
        (verify_sync, "old-token", ("invalid", "expired")),
        (verify_sync, "odd-token", ("invalid", "rejected")),
        (verify_sync, "unheard-of", ("unknown", None)),
        (verify_async, "good-token", ("valid", None)),
        (verify_async, "bad-token", ("invalid", "rejected")),
        (lambda _: 1 / 0, "good-token", ("unknown", None)),
    ],
)
def test_verify_token_has_the_last_word(
    *,
    monitor: Setup, talk: Talk, record: Record, caplog: Any,
    verify: Any, token: str, expected: tuple[str, str | None],
) -> None:  # fmt: skip
    watching = monitor(Response("{}"), verify_token=verify)
    talk(watching.app, headers=bearer(token))
    row = record(watching)
    assert (row["token_validity"], row["token_reason"]) == expected


def test_verify_token_runs_after_the_response_in_another_thread(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    happened: list[Any] = []

    def verify(token: str) -> bool:
        happened.append(threading.current_thread())
        return True

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await Response("{}")(scope, receive, send)
        happened.append("sent")

    watching = monitor(app, verify_token=verify)
    talk(watching.app, headers=bearer())
    assert record(watching)["token_validity"] == "valid"
    assert happened[0] == "sent"
    assert happened[1] is not threading.main_thread()


def test_verify_token_that_hangs_is_given_up(
    monitor: Setup, talk: Talk, records: Records, monkeypatch: Any, caplog: Any
) -> None:
    async def hang(token: str) -> bool:
        await asyncio.Event().wait()
        return True

    monkeypatch.setattr("perfectcv_traffic.capture.verifier.VERIFY_SECONDS", 0.01)
    watching = monitor(Response("{}"), verify_token=hang)
    talk(watching.app, headers=bearer())
    assert records(watching)[0]["token_validity"] == "unknown"
    assert "verify_token failed: TimeoutError" in caplog.text


def test_expiry_is_judged_at_the_given_time() -> None:
    later = int(time.time()) + 1000
    credential = credentials.Credential("bearer", "header:authorization", jwt(exp=later))
    assert credentials.reason(credential) == "rejected"
    assert credentials.reason(credential, now=later + 1) == "expired"


async def is_cancelled(_token: str) -> bool:
    raise asyncio.CancelledError


def ends_the_process(_token: str) -> bool:
    raise SystemExit(1)


@pytest.mark.parametrize("verify", [is_cancelled, ends_the_process])
def test_verify_token_that_raises_what_is_no_exception_costs_only_its_word(
    monitor: Setup, talk: Talk, records: Records, caplog: Any, verify: Any
) -> None:
    watching = monitor(Response("{}"), verify_token=verify)
    for _ in range(3):
        talk(watching.app, headers=[(b"authorization", b"Bearer 0123456789abcdef")])
    assert [row["token_validity"] for row in records(watching)] == ["unknown"] * 3
    assert caplog.text.count("verify_token failed") == 1
