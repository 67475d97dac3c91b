"""Secrets in XML and HTML."""

from __future__ import annotations

import pytest

from perfectcv_traffic.redaction import Redactor


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<r><pin>x1</pin><a>b</a></r>", "<r><pin>[REDACTED]</pin><a>b</a></r>"),
        ('<s:pin a="1">x1</s:pin>', '<s:pin a="1">[REDACTED]</s:pin>'),
        ("<pin><![CDATA[x1]]></pin>", "<pin>[REDACTED]</pin>"),
        ('<input name="csrf_token" value="x1">', '<input name="csrf_token" value="[REDACTED]">'),
        ("<input value='x1' id=password>", "<input value='[REDACTED]' id=password>"),
        ('<meta name="csrf" content="x1" />', '<meta name="csrf" content="[REDACTED]" />'),
        ('<entry key="password">x1</entry>', '<entry key="password">[REDACTED]</entry>'),
        (
            "<m><name>pin</name><value><int>1</int></value></m><value>2</value>",
            "<m><name>pin</name><value>[REDACTED]</value></m><value>2</value>",
        ),
        ("cut <password>x1", "cut <password>[REDACTED]"),
    ],
)  # fmt: skip
def test_secret_in_markup_is_blanked(text: str, expected: str) -> None:
    assert Redactor().text(text) == expected
    assert Redactor().text(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "send Authorization with <token> in it",
        '<form id="session"><b>x</b></form>',
        "<password/><author>ann</author>",
        "<password></password>",
        "1 < 2 and 3 > pin",
        "<name>pinned</name><value>pin</value><name>pin</name><b>x</b>",
    ],
)
def test_other_markup_stays(text: str) -> None:
    assert Redactor().text(text) == text
