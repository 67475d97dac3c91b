"""Secrets that show only once what is around them is read: escapes of JSON, forms, JSON in text."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from perfectcv_traffic.capture.bodies import FORM, BodyReader
from perfectcv_traffic.capture.exchange import Body
from perfectcv_traffic.redaction import Redactor

SECRET = "Zq7hunter2"
BESIDE = json.dumps({"name": "pin", "value": SECRET})


def kept(sent: str, content_type: str = "application/json", *, ended: bool = True) -> str:
    """What is kept of a body."""
    head = sent.encode()
    body = Body(head, len(head) if ended else len(head) + 1)
    read = BodyReader(Redactor()).read(body, ended=ended, content_type=content_type, encoding="")
    assert read.text is not None
    return read.text


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        # Behind a line break that is written \n the name would be npin.
        (r'{"m": "bad\npin=Zq7hunter2"}', r'{"m": "bad\npin=[REDACTED]"}'),
        (r'{"m": "a\r\nsession: Zq7hunter2"}', r'{"m": "a\r\nsession: [REDACTED]"}'),
        (r'{"m": "x\nBearer Zq7hunter2"}', r'{"m": "x\nBearer [REDACTED]"}'),
        (r'{"m": "Bearer\tZq7hunter2"}', '{"m": "Bearer [REDACTED]"}'),
        # What writes JSON may escape = and < and quotation marks: Go and .NET do.
        (r'{"m": "password\u003dZq7hunter2"}', '{"m": "password=[REDACTED]"}'),
        (r'{"m": "\u003cpin\u003eZq7\u003c/pin\u003e"}', '{"m": "<pin>[REDACTED]</pin>"}'),
        (
            r'{"m": "{\u0022pin\u0022:\u0022Zq7hunter2\u0022}", "n": null}',
            r'{"m": "{\"pin\":\"[REDACTED]\"}", "n": null}',
        ),
        (
            json.dumps({"m": json.dumps({"inner": BESIDE})}),
            json.dumps({"m": json.dumps({"inner": BESIDE.replace(SECRET, "[REDACTED]")})}),
        ),
        # Nothing is spelt anew that holds no secret, nor twice what stands under a secret name.
        (r'{"m": "\u0061\npin", "n": "\/"}', r'{"m": "\u0061\npin", "n": "\/"}'),
        (r'{"name": "pin", "value": "\npin=1"}', '{"name": "pin", "value": "[REDACTED]"}'),
        (r'{"pin": ["\npin=1"]}', '{"pin": "[REDACTED]"}'),
    ],
)
def test_string_with_escapes_is_read_as_what_it_says(sent: str, expected: str) -> None:
    assert kept(sent) == expected


@pytest.mark.parametrize(
    ("sent", "content_type"),
    [
        (r'{"m": "bad\npin=Zq7hunter2\u0022 and"}', "application/json"),
        ('{"name": "pin", "value": "Zq7hunter2", "b": 1}', "application/json"),
        ('{"name": "pin", "value": 0x5A7137, "b": "0x5A7137"', "application/json"),
        ('{"m": "Bearer Zq7hunter2"}', "application/json"),
        ('{"url": "https://bob:Zq7hunter2@h/x"}', "application/json"),
        ("comment=Bearer+Zq7hunter2", FORM),
        ('<a><b name="token" value="Zq7hunter2"/></a>', "text/xml"),
    ],
)
def test_body_that_was_cut_anywhere_shows_nothing_of_its_secret(
    sent: str, content_type: str
) -> None:
    for length in range(3, len(sent)):
        shown = kept(sent[:length], content_type, ended=False)
        assert "Zq7" not in shown
        assert '"value": 0x5' not in shown


@pytest.mark.parametrize(
    ("sent", "content_type"),
    [
        ("comment=Bearer+Zq7hunter2", FORM),
        (f"payload={quote(BESIDE)}", FORM),
        (f"payload={quote(json.dumps({'q': 'a?b', 'of': [BESIDE]}))}", FORM),
        (
            f'--B\r\nContent-Disposition: form-data; name="data"\r\n\r\n{BESIDE}\r\n--B--\r\n',
            "multipart/form-data; boundary=B",
        ),
    ],
)
def test_value_of_a_form_is_read_as_what_it_is(sent: str, content_type: str) -> None:
    shown = kept(sent, content_type)
    assert SECRET not in shown
    assert "REDACTED" in shown


def test_json_inside_a_message_is_read_as_json() -> None:
    document = json.dumps([{"name": "pin", "value": SECRET}, {"m": f"bad\npin={SECRET}"}])
    shown = Redactor().text(f"ValueError: [x] cannot take {document} [y]")
    assert SECRET not in shown
    assert shown.startswith('ValueError: [x] cannot take [{"name": "pin", "value": "[REDACTED]"}')
    assert shown.endswith("] [y]")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "HTTPStatusError: for url 'https://h/cb?a=1&next=%2Fy%3Ftoken%3DZq7hunter2'",
            "HTTPStatusError: for url 'https://h/cb?a=1&next=/y?token=[REDACTED]'",
        ),
        ('"GET /x?%70in=Zq7hunter2 HTTP/1.1" 9', '"GET /x?pin=[REDACTED] HTTP/1.1" 9'),
        ("q=Bearer%20Zq7hunter2 and", "q=Bearer%20[REDACTED] and"),
        ("/a?next=%252Fy%253Fpin%253DZq7hunter2", "/a?next=/y?pin=[REDACTED]"),
        ('{"url":"/login%3Ftoken%3DZq7hunter2"}', '{"url":"/login?token=[REDACTED]"}'),
        ("100% of a%20b, c%3Dd and %zz", "100% of a%20b, c%3Dd and %zz"),
    ],
)
def test_secret_in_an_encoded_part_of_a_text_is_blanked(text: str, expected: str) -> None:
    assert Redactor().text(text) == expected
    assert kept(text, "application/json" if text.startswith("{") else "text/plain") == expected


@pytest.mark.parametrize("operator", ["==", "!=", "===", " == ", "=>"])
def test_secret_that_was_compared_is_blanked(operator: str) -> None:
    assert SECRET not in Redactor().text(f"assert token{operator}'{SECRET}' failed")


def test_redaction_of_the_application_sees_a_text_once() -> None:
    redactor = Redactor(also=lambda text: text.replace("555", "[555]"))
    assert redactor.text(r'{"m": "\n555"}') == r'{"m": "\n[555]"}'
