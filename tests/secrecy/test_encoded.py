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


@pytest.mark.parametrize("length", range(3, len(SECRET) + 30))
def test_string_with_escapes_that_was_cut_shows_nothing_of_the_secret(length: int) -> None:
    assert "Zq7" not in kept((r'{"m": "bad\npin=' + SECRET + r"\u0022")[:length], ended=False)


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


@pytest.mark.parametrize("operator", ["==", "!=", "===", " == ", "=>"])
def test_secret_that_was_compared_is_blanked(operator: str) -> None:
    assert SECRET not in Redactor().text(f"assert token{operator}'{SECRET}' failed")


def test_redaction_of_the_application_sees_a_text_once() -> None:
    redactor = Redactor(also=lambda text: text.replace("555", "[555]"))
    assert redactor.text(r'{"m": "\n555"}') == r'{"m": "\n[555]"}'
