"""Request bodies."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI, Request

Talk = Callable[..., Any]
Setup = Callable[..., Any]
Record = Callable[[Any], dict[str, Any]]
Records = Callable[[Any], list[dict[str, Any]]]

JSON = [(b"content-type", b"application/json")]
FORM = [(b"content-type", b"application/x-www-form-urlencoded")]


async def reads(scope: Any, receive: Any, send: Any) -> None:
    """An application that reads the body and answers with nothing."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body"})


async def ignores(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body"})


def test_c1_handler_sees_the_server_s_own_messages(monitor: Setup, record: Record) -> None:
    message = {"type": "http.request", "body": b'{"a":1}', "more_body": False}
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(await receive())

    async def receive() -> Any:
        return message

    watching = monitor(app)
    scope = {"type": "http", "method": "POST", "path": "/", "headers": JSON}
    asyncio.run(watching.app(scope, receive, object()))
    assert seen[0] is message
    assert message == {"type": "http.request", "body": b'{"a":1}', "more_body": False}
    assert record(watching)["request_body"] == '{"a":1}'


def test_c2_unread_body_is_never_received_and_sized_as_declared(
    monitor: Setup, record: Record
) -> None:
    async def receive() -> Any:
        raise AssertionError("nobody asked for the body")

    async def send(message: Any) -> None: ...

    watching = monitor(ignores)
    headers = [(b"content-length", b"5000"), *JSON]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    asyncio.run(watching.app(scope, receive, send))
    row = record(watching)
    assert (row["request_bytes"], row["request_body"]) == (None, None)
    assert row["request_headers"]["content-length"] == "5000"
    assert row["request_body_note"] == "not_read"
    assert row["nulls_partial"] is True


def test_c4_only_the_head_of_a_long_upload_is_kept(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    watching = monitor(reads, parse_limit=100)
    talk(watching.app, "POST", body=[b"x" * 60] * 50, headers=[(b"content-type", b"text/plain")])
    row = record(watching)
    assert (row["request_bytes"], row["request_body"]) == (3000, "x" * 100)
    assert row["request_body_note"] == "cut"


def test_c5_disconnect_in_mid_upload_is_no_server_error(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    app = FastAPI()

    @app.post("/")
    async def upload(request: Request) -> int:
        return len(await request.body())

    watching = monitor(app)
    answer = talk(app, "POST", body=[b"half"], gone=True)
    assert type(answer.error).__name__ == "ClientDisconnect"
    row = record(watching)
    assert (row["status_code"], row["client_disconnected"]) == (None, True)
    assert row["error_message"].startswith("ClientDisconnect")
    # The 500 that Starlette sends all the same goes nowhere.
    assert (row["complete"], row["response_bytes"], row["response_body"]) == (False, 0, None)


def test_c6_c7_asking_for_a_disconnect_loses_no_message(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    app = FastAPI()

    @app.post("/")
    async def upload(request: Request) -> str:
        assert not await request.is_disconnected()
        body = await request.body()
        assert not await request.is_disconnected()
        return body.decode()

    watching = monitor(app)
    # Starlette's own question takes the first message when it is there at once: same without us.
    assert talk(app, "POST", body=[b"", b"ab", b"cd"]).body == b'"abcd"'
    row = record(watching)
    assert (row["client_disconnected"], row["status_code"]) == (False, 200)


def test_c8_disconnect_after_the_response_is_none(monitor: Setup, record: Record) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await ignores(scope, receive, send)
        assert (await receive())["type"] == "http.disconnect"

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None: ...

    watching = monitor(app)
    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    asyncio.run(watching.app(scope, receive, send))
    row = record(watching)
    assert (row["client_disconnected"], row["complete"]) == (False, True)


def test_c9_chunks_reach_a_streaming_handler_as_they_are(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    app = FastAPI()

    @app.post("/")
    async def upload(request: Request) -> list[int]:
        return [len(chunk) async for chunk in request.stream() if chunk]

    watching = monitor(app)
    assert talk(app, "POST", body=[b"x" * 65_536] * 3).body == b"[65536,65536,65536]"
    assert record(watching)["request_bytes"] == 3 * 65_536


MULTIPART = (
    b'--XX\r\nContent-Disposition: form-data; name="user"\r\n\r\nann\r\n'
    b'--XX\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter2hunter2\r\n'
    b'--XX\r\nContent-Disposition: form-data; name="note"\r\n\r\nnull\r\n'
    b'--XX\r\nContent-Disposition: form-data; name="cv"; filename="cv.pdf"\r\n'
    b"Content-Type: application/pdf\r\n\r\n%PDF hunter2hunter2\r\n--XX--\r\n"
)


def test_c10_d16_multipart_shows_fields_and_describes_files(
    monitor: Setup, talk: Talk, record: Record, log: Any
) -> None:
    watching = monitor(reads)
    headers = [(b"content-type", b"multipart/form-data; boundary=XX")]
    talk(watching.app, "POST", body=MULTIPART, headers=headers)
    row = record(watching)
    assert row["request_body"] == (
        "user=ann; password=[REDACTED]; note=null; cv=<file cv.pdf, application/pdf, 19 bytes>"
    )
    assert row["null_params_details"] == [
        {"field_name": "note", "field_path": "note", "location": "form", "kind": "null_text"}
    ]
    assert b"hunter2" not in log.read_bytes()


@pytest.mark.parametrize("cut", [100, 120, 150, 230, len(MULTIPART) - 3])
def test_c10_cut_multipart_shows_no_secret(
    monitor: Setup, talk: Talk, record: Record, log: Any, cut: int
) -> None:
    watching = monitor(reads, parse_limit=cut)
    headers = [(b"content-type", b'multipart/form-data; boundary="XX"')]
    talk(watching.app, "POST", body=MULTIPART, headers=headers)
    assert record(watching)["nulls_partial"] is True
    assert b"hunter2" not in log.read_bytes()


@pytest.mark.parametrize("name", ["password", "PassWord", "p%61ssword", "new+password"])
def test_c11_form_login(monitor: Setup, talk: Talk, record: Record, log: Any, name: str) -> None:
    watching = monitor(reads)
    talk(watching.app, "POST", body=f"username=ann&{name}=hunter2&x=".encode(), headers=FORM)
    row = record(watching)
    assert row["request_body"] == f"username=ann&{name}=[REDACTED]&x="
    assert b"hunter2" not in log.read_bytes()


@pytest.mark.parametrize(
    "name", ["password", "newPassword", "CLIENT_SECRET", "refresh-token", "pin", "db.password"]
)
@pytest.mark.parametrize("value", ["hunter2", 555123, ["hunter2"], {"a": "hunter2"}, True])
def test_c12_json_secrets_of_any_type(
    monitor: Setup, talk: Talk, record: Record, log: Any, name: str, value: Any
) -> None:
    watching = monitor(reads)
    sent = {"user": "ann", "deep": [{"er": {name: value}}]}
    talk(watching.app, "POST", body=json.dumps(sent).encode(), headers=JSON)
    kept = json.loads(record(watching)["request_body"])
    assert kept == {"user": "ann", "deep": [{"er": {name: "[REDACTED]"}}]}
    assert b"hunter2" not in log.read_bytes()
    assert b"555123" not in log.read_bytes()


def test_c13_tokens_in_a_login_response(monitor: Setup, talk: Talk, record: Record) -> None:
    app = FastAPI()
    app.add_api_route("/", lambda: {"access_token": "eyJhbGciOi.x.y", "token_type": "bearer"})
    watching = monitor(app)
    talk(app)
    assert record(watching)["response_body"] == (
        '{"access_token":"[REDACTED]","token_type":"bearer"}'
    )


@pytest.mark.parametrize(
    "sent",
    [
        '{"user":"ann","password":"hunter2"',
        '{"user":"ann","password":["hunter2","x"]',
        "{'user': 'ann', 'password': 'hunter2'}",
        '{"user":"ann","password":"hunter2"} trailing',
        'user: ann, password: "hunter2", x',
    ],
)
def test_c14_invalid_json_is_kept_as_text_without_secrets_and_nulls(
    monitor: Setup, talk: Talk, record: Record, log: Any, sent: str
) -> None:
    watching = monitor(reads)
    talk(watching.app, "POST", body=sent.encode(), headers=JSON)
    row = record(watching)
    assert row["request_body_note"] == "invalid_json"
    assert "ann" in row["request_body"]
    assert row["null_params_count"] == 0
    assert b"hunter2" not in log.read_bytes()


def test_c15_cut_inside_a_secret_shows_nothing_of_it(
    monitor: Setup, talk: Talk, record: Record, log: Any
) -> None:
    sent = b'{"user":"ann","password":"hunter2hunter2","more":"' + b"x" * 2000 + b'"}'
    watching = monitor(reads, parse_limit=32)
    talk(watching.app, "POST", body=sent, headers=JSON)
    assert record(watching)["request_body"] == '{"user":"ann","password":"[REDACTED]"'
    assert b"hunter" not in log.read_bytes()


@pytest.mark.parametrize(
    "content_type", [b"application/problem+json; charset=utf-8", b"APPLICATION/JSON", None]
)
def test_c16_json_by_any_name(
    monitor: Setup, talk: Talk, record: Record, content_type: bytes | None
) -> None:
    headers = [(b"content-type", content_type)] if content_type else []
    watching = monitor(reads)
    talk(watching.app, "POST", body=b' {"a":null}', headers=headers)
    assert record(watching)["null_params_count"] == 1


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"]
)
def test_c17_json_in_other_encodings(
    monitor: Setup, talk: Talk, record: Record, encoding: str
) -> None:
    watching = monitor(reads)
    talk(watching.app, "POST", body='{"ä":null}'.encode(encoding), headers=JSON)
    row = record(watching)
    assert row["request_body"] == '{"ä":null}'
    assert row["null_params_details"][0]["field_path"] == "ä"


def test_c18_lone_surrogates_lose_nothing(monitor: Setup, talk: Talk, records: Records) -> None:
    watching = monitor(reads)
    talk(watching.app, "POST", body=b'{"\\ud800":null,"b":"\\ud800"}', headers=JSON)
    talk(watching.app, "GET", "/\ud800", raw_path=None)
    talk(watching.app, "GET", "/fine")
    rows = records(watching)
    assert [row["path"] for row in rows] == ["/", "/?", "/fine"]
    assert rows[0]["request_body"] == '{"\\ud800":null,"b":"\\ud800"}'
    assert rows[0]["null_params_count"] == 1


def test_login_that_is_no_text_is_recorded(monitor: Setup, talk: Talk, record: Record) -> None:
    watching = monitor(reads)
    talk(watching.app, "POST", "/auth/uuid", body=b'{"uuid":"\xff\xfe"}', headers=JSON)
    assert record(watching)["login_uuid"] is None


def test_c19_numbers_of_any_size(monitor: Setup, talk: Talk, record: Record) -> None:
    sent = '{"a":' + "9" * 500 + ',"b":1e999,"c":null}'
    watching = monitor(reads)
    talk(watching.app, "POST", body=sent.encode(), headers=JSON)
    row = record(watching)
    assert (row["request_body"], row["null_params_count"]) == (sent, 1)


def test_c20_nul_bytes(monitor: Setup, talk: Talk, record: Record) -> None:
    watching = monitor(reads)
    talk(watching.app, "POST", body=b"a\0b", headers=[(b"content-type", b"text/plain")])
    assert record(watching)["request_body"] == "a\0b"


def test_c21_compressed_request(monitor: Setup, talk: Talk, record: Record) -> None:
    watching = monitor(reads)
    headers = [*JSON, (b"content-encoding", b"GZIP")]
    talk(watching.app, "POST", body=gzip.compress(b'{"token":"x","a":null}'), headers=headers)
    row = record(watching)
    assert row["request_body"] == '{"token":"[REDACTED]","a":null}'
    assert row["null_params_count"] == 1


@pytest.mark.parametrize("declared", [b"abc", b"9" * 5000, b"-1", b""])
def test_c23_content_length_that_lies(
    monitor: Setup, talk: Talk, records: Records, declared: bytes
) -> None:
    headers = [(b"content-length", declared)]
    watching = monitor(reads)
    talk(watching.app, "POST", body=b"four", headers=headers)
    assert [row["request_bytes"] for row in records(watching)] == [4]


@pytest.mark.parametrize(
    ("name", "declared", "expected"),
    [
        (b"content-length", b"9" * 5000, (None, "not_read")),
        (b"content-length", b"9" * 18, (None, "not_read")),
        (b"content-length", b"12", (None, "not_read")),
        (b"content-length", b"abc", (None, "not_read")),
        (b"content-length", b"0", (0, None)),
        (b"content-length", b"", (0, None)),
        (b"transfer-encoding", b"chunked", (None, "not_read")),
        (b"accept", b"*/*", (0, None)),
    ],
)
def test_c23_unread_body_has_no_size_whatever_its_headers_say(
    *, monitor: Setup, talk: Talk, record: Record, name: bytes, declared: bytes, expected: Any
) -> None:
    watching = monitor(ignores)
    talk(watching.app, "POST", headers=[(name, declared)])
    row = record(watching)
    assert (row["request_bytes"], row["request_body_note"]) == expected
