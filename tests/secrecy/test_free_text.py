"""Secrets in free text: what follows a name is blanked to its end, what stands around it stays."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfectcv_traffic.redaction import Redactor

SECRET = "Zq7hunter2"
# What ends a value for a reader of the text, and what may stand in a secret all the same.
INNER = st.text("abcXYZ019&;,'_-.~+/=@!$^*(){}[]:", max_size=12).map(lambda s: f"Zq7{s}Zq7")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer Zq7hunter2", "Authorization: [REDACTED]"),
        ("Authorization: Token Zq7hunter2\nHost: a", "Authorization: [REDACTED]\nHost: a"),
        ('authorization: Digest a="b", response="Zq7hunter2"', "authorization: [REDACTED]"),
        ("curl -H 'Authorization: Basic Zq7hunter2' x", "curl -H 'Authorization: [REDACTED]' x"),
        ('curl -H "Cookie: a=1; sid=Zq7hunter2" x', 'curl -H "Cookie: [REDACTED]" x'),
        (
            r'{"cmd":"curl -H \"Authorization: Basic Zq7hunter2\" x","t":1}',
            r'{"cmd":"curl -H \"Authorization: [REDACTED]\" x","t":1}',
        ),
        ("Cookie: a=1; b=Zq7hunter2\nx", "Cookie: [REDACTED]\nx"),
        ("{'authorization': 'Basic Zq7hunter2', 'a': 1}",
         "{'authorization': '[REDACTED]', 'a': 1}"),
        ("token: Bearer Zq7hunter2, next", "token: [REDACTED], next"),
        ("{b'password': b'Zq7hunter2'}", "{b'password': b'[REDACTED]'}"),
        ("{'password': ('Zq7hunter2',)}", "{'password': [REDACTED]}"),
        ("'credentials': {'a': {'b': 1}, 'c': 'Zq7hunter2'}, d", "'credentials': [REDACTED], d"),
        ("[(b'authorization', b'Zq7hunter2')]", "[(b'authorization', b'[REDACTED]')]"),
        ("cfg['password'] = 'Zq7hunter2'", "cfg['password'] = '[REDACTED]'"),
        ("user[password]=Zq7hunter2&x=1", "user[password]=[REDACTED]&x=1"),
        ("'password' => 'Zq7hunter2', x", "'password' => '[REDACTED]', x"),
        ("password=Zq7&hunter2", "password=[REDACTED]"),
        ("password=Zq7hunter2&user=bob", "password=[REDACTED]&user=bob"),
        ("password='Zq7''hunter2', next", "password='[REDACTED]', next"),
        ("password=(Zq7hunter2) next", "password=[REDACTED] next"),
        ("password=<Zq7hunter2> next", "password=[REDACTED] next"),
        (r"password=Zq7\nuser=bob", r"password=[REDACTED]\nuser=bob"),
        ("connect(password=Zq7hunter2)", "connect(password=[REDACTED])"),
        (r'{\"pin\": \"Zq7\\\"hunter2\", \"x\": 1}', r'{\"pin\": \"[REDACTED]\", \"x\": 1}'),
        ("token_eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "token_[REDACTED]"),
    ],
)  # fmt: skip
def test_value_is_blanked_to_its_end_and_no_further(text: str, expected: str) -> None:
    assert Redactor().text(text) == expected
    assert Redactor().text(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Bearer authentication is required",
        "fields ['password', 'user'] of ('password', 'user', 'age')",
        "keyJson.name and eyJ alone",
        "token: null, password=None",
        "the token_type is bearer",
        "see https://a.example:8000/x@y and me@b.example",
    ],
)
def test_what_only_resembles_a_secret_stays(text: str) -> None:
    assert Redactor().text(text) == text


@given(st.sampled_from(["password", "apiKey", "client_secret", "X-Api-Key"]), INNER)
def test_secret_with_separators_in_it_is_blanked_whole(name: str, secret: str) -> None:
    redact = Redactor().text
    for text in (
        f"{name}={json.dumps(secret)}", f"{{'{name}': {secret!r}}}", f"{{'{name}': [{secret!r}]}}",
        f"{{b'{name}': {secret.encode()!r}}}", json.dumps({"m": json.dumps({name: secret})}),
    ):  # fmt: skip
        assert "Zq7" not in redact(text), text


@given(st.text("abcXYZ019&;,_-.~+/@!$^*", max_size=12).map(lambda s: f"Zq7{s}Zq7"))
def test_unquoted_secret_is_blanked_whole(secret: str) -> None:
    for text in (f"password={secret}", f"login with pin: {secret} failed", f"?sid={secret}&a=1"):
        assert "Zq7" not in Redactor().text(text), text


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Zq7hunter2; a=b", "[REDACTED]; a=[REDACTED]"),
        ('a="x;Zq7hunter2=="; b=c', "a=[REDACTED]; b=[REDACTED]"),
        ("Zq7hunter2", "[REDACTED]"),
        ("a=b;", "a=[REDACTED]"),
        ("sid=x; Path=/; HttpOnly", "sid=[REDACTED]; Path=[REDACTED]; HttpOnly"),
    ],
)
def test_cookie_without_name_or_with_semicolon_is_blanked(sent: str, kept: str) -> None:
    assert Redactor().header("cookie", sent) == kept


def test_query_encoded_twice_is_redacted() -> None:
    assert SECRET not in Redactor().query(f"next=%252Fcb%253Ftoken%253D{SECRET}")
