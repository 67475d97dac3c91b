"""A secret placed anywhere never reaches the log, the database or stderr."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from perfectcv_traffic import setup_monitoring
from perfectcv_traffic.redaction import Redactor
from perfectcv_traffic.store.ingest import ingest

Talk = Callable[..., Any]

SECRET_NAMES = st.sampled_from([
    "password", "Passwd", "api_key", "apiKey", "X-Api-Key", "access-token", "refreshToken",
    "client_secret", "SESSION_ID", "jwt", "otp", "pin", "cardNumber", "card_number", "cvv",
    "passphrase", "private-key", "csrf_token", "iban", "Authorization", "signature",
])  # fmt: skip

# Long enough to be found; with what quoting, splitting and cutting trip over.
TOKENS = st.text("abcXYZ019-_.~+/", min_size=16, max_size=40).map(lambda s: "Zq7" + s)
ANY_TEXT = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f"),
    min_size=16,
    max_size=40,
).map(lambda s: "Zq7" + s)


def nested(name: str, value: Any, depth: int) -> Any:
    inner: Any = {"author": "ann", name: value}
    for level in range(depth):
        inner = [inner] if level % 2 else {"deep": inner, "n": None}
    return inner


def json_request(document: Any, cut: int | None = None) -> dict[str, Any]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return {"body": body, "type": b"application/json", "cut": cut}


def places(name: str, token: str, text: str, depth: int, cut: int) -> dict[str, dict[str, Any]]:
    """Requests and answers, each with the secret `token` or `text` in one place."""
    header = [(name.encode(), token.encode())]
    word = quote(text, safe="")
    document = nested(name, text, depth)
    multipart = (
        f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n--B--\r\n'
    ).encode()
    url = f"https://user:{quote(token, safe='')}@h.example/p?{name}={token}&a=1#{name}={token}"
    return {
        "header": {"headers": header},
        "authorization": {"headers": [(b"authorization", f"Bearer {token}".encode())]},
        "authorization without scheme": {"headers": [(b"authorization", token.encode())]},
        "cookie": {"headers": [(b"cookie", f"a=b; s={token}; c=d".encode())]},
        "user agent": {"headers": [(b"user-agent", f"x {name}={token}".encode())]},
        "referer": {"headers": [(b"referer", url.encode())]},
        "query": {"query": f"a=1&{name}={word}"},
        "query inside query": {"query": f"next={quote(f'/x?{name}={token}&b=1', safe='')}"},
        "form": {
            "body": f"a=1&{quote_plus(name)}={quote_plus(text)}".encode(),
            "type": b"application/x-www-form-urlencoded",
        },
        "json sent as a form": {
            "body": json.dumps(document).encode(),
            "type": b"application/x-www-form-urlencoded",
        },
        "form without a name": {
            "body": f"{quote(json.dumps({name: token}))}&{name}%3D{token}".encode(),
            "type": b"application/x-www-form-urlencoded",
        },
        "name and value": json_request([{"value": text, "name": name}, {"id": 1, "value": 2}]),
        "json patch": json_request([{"op": "add", "path": f"/a/{name}", "value": {"x": text}}]),
        "json number": json_request({name: [1, {"a": [text]}], "b": 1}),
        "xml": {
            "body": f"<r><{name}>{token}</{name}><a>b</a></r>".encode(),
            "type": b"application/xml",
        },
        "html": {
            "answer": f'<form><input name="{name}" type=hidden value="{token}"></form>'.encode(),
            "answer_type": b"text/html",
        },
        "nameless cookie": {"headers": [(b"cookie", f"{token}; a=b".encode())]},
        "quoted cookie": {"headers": [(b"cookie", f'a="x;{token}"; b=c'.encode())]},
        "subscription key": {"headers": [(b"ocp-apim-subscription-key", token.encode())]},
        "curl in json": json_request({
            "cmd": f"curl -H 'Authorization: Basic {token}' -b \"a=b; sid={token}\" x",
            "more": f"x Authorization: Digest a=b, response={token}",
        }),
        "headers in text": {
            "body": f"GET /\nAuthorization: Token {token}\nCookie: a=b; s={token}\n".encode(),
            "type": b"text/plain",
        },
        "exception with bytes": {"error": f"no {({name.encode(): token.encode()})} in {name}"},
        "exception with a tuple": {"error": f"{ {name: (token, {'a': [text]})} } then {name}"},
        "exception with headers": {"error": f"{[(name.encode(), token.encode())]} sent"},
        "exception of a validation": {
            "error": f"1 error\nx\n  bad [type=x, input_value={text!r}, input_type=str]\n  more",
        },
        "exception of an answer": {"error": f"{ {'loc': ('x',), 'input': {'a': text}} }"},
        "answer 400": {
            "answer": json.dumps({"detail": [{"loc": ["x"], "input": text}]}).encode(),
            "status": 400,
        },
        "answer 400 in text": {
            "answer": f"{ {'loc': ('x',), 'msg': 'short', 'input': text} }".encode(),
            "answer_type": b"text/plain",
            "status": 400,
        },
        "multipart": {"body": multipart, "type": b"multipart/form-data; boundary=B"},
        "multipart cut": {
            "body": multipart, "type": b"multipart/form-data; boundary=B", "cut": cut,
        },
        "json": json_request(document),
        "json list": json_request({name: [text, {"x": text}]}),
        "json cut": json_request({"a": 1, name: text, "b": "x" * 50}, cut),
        "json in json": json_request({"message": json.dumps({name: token})}),
        "json in utf-16": json_request(json.dumps(document).encode("utf-16")),
        "json escaped": json_request(
            json.dumps({"a": 1}).encode()[:-1]
            + b',"p\\u0061ssword":' + json.dumps(text).encode() + b"}"
        ),
        "text": {"body": f"{name}: {token}, {name} = '{token}'".encode(), "type": b"text/plain"},
        "answer": {"answer": json.dumps(document).encode()},
        "answer 422": {
            "answer": json.dumps({"detail": [{"loc": ["x"], "input": text}]}).encode(),
            "status": 422,
        },
        "answer 500": {
            "answer": json.dumps({"detail": f"bad {name}={token} at db://u:{token}@h/x"}).encode(),
            "status": 500,
        },
        "event stream": {
            "answer": b"data: " + json.dumps(document).encode() + b"\n\n",
            "answer_type": b"text/event-stream",
        },
        "set-cookie": {"answer_headers": [(b"set-cookie", f"s={token}; Path=/".encode())]},
        "location": {"answer_headers": [(b"location", url.encode())], "status": 302},
        "answer header": {"answer_headers": header},
        "exception": {"error": f"no login with {name}={token} at amqp://u:{token}@h"},
    }  # fmt: skip


def application(place: dict[str, Any]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        if "error" in place:
            raise RuntimeError(place["error"])
        content_type = (b"content-type", place.get("answer_type", b"application/json"))
        await send({
            "type": "http.response.start",
            "status": place.get("status", 200),
            "headers": [content_type, *place.get("answer_headers", [])],
        })  # fmt: skip
        await send({"type": "http.response.body", "body": place.get("answer", b"{}")})

    return app


def traces(secret: str) -> list[bytes]:
    """The spellings in which a secret could stand on a disk."""
    spelled = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret)}
    spelled |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return [text.encode() for text in spelled]


PLACES = sorted(places("password", "t", "t", 1, 9))


@pytest.mark.parametrize("where", PLACES)
def test_secret_in_any_place_reaches_no_file(
    where: str, tmp_path_factory: Any, talk: Any, capfd: Any, caplog: Any
) -> None:
    directory: Path = tmp_path_factory.mktemp("secret")

    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
    @given(SECRET_NAMES, TOKENS, ANY_TEXT, st.integers(0, 8), st.integers(10, 60))
    def check(name: str, token: str, text: str, depth: int, cut: int) -> None:
        place = places(name, token, text, depth, cut)[where]
        log, db = directory / f"{uuid4()}.log", directory / "traffic_monitor.db"
        limit = {"parse_limit": place["cut"]} if place.get("cut") else {}
        monitor = setup_monitoring(application(place), log=log, ingest="off", **limit)
        headers = [*place.get("headers", []), (b"content-type", place.get("type", b"text/plain"))]
        talk(
            monitor.app, "POST", f"/p?{place.get('query', '')}",
            headers=headers, body=place.get("body", b""),
        )  # fmt: skip
        monitor.close()
        assert monitor.counters.recorded == 1
        ingest([log], db)
        written = b"".join(file.read_bytes() for file in sorted(directory.iterdir()))
        written += "".join(capfd.readouterr()).encode() + caplog.text.encode()
        for secret in (token, text):
            for trace in traces(secret):
                assert trace not in written
        # Cut or not, not even a beginning of it that says something.
        # (A masked credential shows its first four characters, of up to two bytes each.)
        assert b"Zq7" not in re.sub(rb"Zq7..?\.\.\.", b"", written)

    check()


@pytest.mark.end_to_end
def test_secret_in_any_place_reaches_no_report(tmp_path: Path, talk: Talk) -> None:
    examples: list[str] = []

    @settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
    @given(SECRET_NAMES, TOKENS, ANY_TEXT, st.integers(0, 8), st.integers(10, 60))
    def record(name: str, token: str, text: str, depth: int, cut: int) -> None:
        examples.extend((token, text))
        for place in places(name, token, text, depth, cut).values():
            monitor = setup_monitoring(
                application(place), log=tmp_path / "api_traffic.log", ingest="off"
            )
            headers = [
                *place.get("headers", []), (b"content-type", place.get("type", b"text/plain")),
            ]  # fmt: skip
            talk(
                monitor.app, "POST", f"/p?{place.get('query', '')}",
                headers=headers, body=place.get("body", b""),
            )  # fmt: skip
            monitor.close()

    record()
    db, output = tmp_path / "traffic_monitor.db", tmp_path / "out"
    ingest([tmp_path / "api_traffic.log"], db)
    for form in ("html", "json"):
        done = subprocess.run(
            [sys.executable, "-m", "perfectcv_traffic", "report",
             "--db", db, "--output", output, "--format", form],
            capture_output=True, timeout=300, check=True,
        )  # fmt: skip
        assert not hints_of_secrets(done.stdout + done.stderr, examples)
    files = {file.suffix: file for file in output.iterdir()}
    assert {".html", ".json"} <= set(files)
    for file in files.values():
        assert not hints_of_secrets(file.read_bytes(), examples), file


def hints_of_secrets(written: bytes, secrets: list[str]) -> list[bytes]:
    written = re.sub(rb"base64,[\w+/=]+", b"", written)  # the charts: any three letters occur
    found = [trace for secret in secrets for trace in traces(secret) if trace in written]
    # A control character is shown by its number: in text as \x87, in JSON as \u0087.
    masked = rb"Zq7(?:..?|\\+x..|\\+u....)\.\.\."
    return [*found, *re.findall(rb"Zq7.{0,9}", re.sub(masked, b"", written))]


@pytest.mark.parametrize(
    "name",
    ["author", "max_tokens", "token_type", "authored_by", "spinner", "keyboard", "passenger_name",
     "tokens_used", "total_tokens", "sidebar", "signal", "design", "opinion", "monkey"],
)  # fmt: skip
def test_names_that_only_resemble_secrets_stay_readable(name: str) -> None:
    assert not Redactor().is_secret(name)
    assert Redactor().query(f"{name}=plain") == f"{name}=plain"
    assert Redactor().text(f"{name}: plain") == f"{name}: plain"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bearer authentication is required", "Bearer authentication is required"),
        ("send Bearer abc123def", "send Bearer [REDACTED]"),
        ("x eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc y", "x [REDACTED] y"),
        ("password=null and token: None", "password=null and token: None"),
        ('{"password":null}', '{"password":null}'),
        (r'{"m":"{\"pin\": \"a b\", \"x\": 1}"}', r'{"m":"{\"pin\": \"[REDACTED]\", \"x\": 1}"}'),
        ("db://u:p/w@h/x http://h:80/@me", "db://[REDACTED]@h/x http://h:80/@me"),
        ("password='it is', next", "password='[REDACTED]', next"),
        (r'password="a\"b" next', 'password="[REDACTED]" next'),
        ("passwords=[1, 2] rest", "passwords=[REDACTED] rest"),
        ("http://u:p@ss@host/x http://b@c", "http://[REDACTED]@host/x http://[REDACTED]@c"),
        ('["http://x.y","me@z.w"]', '["http://x.y","me@z.w"]'),
    ],
)  # fmt: skip
def test_free_text(text: str, expected: str) -> None:
    assert Redactor().text(text) == expected


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_redacting_any_text_never_fails_and_is_stable(text: str) -> None:
    redactor = Redactor()
    for redact in (redactor.text, redactor.url, redactor.query):
        once = redact(text)
        assert redact(once) == once


PIECES = st.sampled_from([
    "eyJhbGciOi.eyJzdWIi.c2ln", "eyJ", "J", "Bearer", "bEARER ", "Basic dXNlcjpwYXNz", "token ",
    "ApiKey\t", "0123456789", "https://", "http:\\/\\/", "user:pa55word@", "@", ":", "/", " ",
    "prose", ".", "-", "İ",
])  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join), st.integers(0, 150))
@example("ApiKey\t0123456789" + "prose" * 4, 7)
def test_beginning_is_that_of_the_whole_text_redacted(text: str, enough: int) -> None:
    whole, beginning = Redactor().shapes(text), Redactor().shapes(text, enough)
    assert beginning[:enough] == whole[:enough]
    assert (len(beginning) > enough) == (len(whole) > enough)
