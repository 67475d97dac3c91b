from __future__ import annotations

import json
import re
from xml.etree import ElementTree

from perfectcv_traffic.analysis.thresholds import Verdict
from perfectcv_traffic.render.verdicts import FORMATS, message

HELD = Verdict("min-requests", holds=True, observed="5 requests", expected="at least 1")
VIOLATED = Verdict(
    "no-auth-findings",
    holds=False,
    observed="1 finding: PT101 GET /100%\n::error::x<b>&\x1b[31m",
    expected="none",
)


def test_text_has_a_line_for_each_violated_rule() -> None:
    text = FORMATS["text"]([HELD, VIOLATED, VIOLATED])

    assert text.count("\n") == 2
    assert text.startswith("no-auth-findings: 1 finding: PT101 GET /100%\\n::error")
    assert FORMATS["text"]([HELD]) == ""


def test_json_has_every_rule() -> None:
    document = json.loads(FORMATS["json"]([HELD, VIOLATED]))

    assert document["passed"] is False
    assert [rule["holds"] for rule in document["rules"]] == [True, False]


def test_junit_is_xml_whatever_was_recorded() -> None:
    suite = ElementTree.fromstring(FORMATS["junit"]([HELD, VIOLATED]))

    assert suite.attrib["tests"] == "2"
    assert suite.attrib["failures"] == "1"
    (failure,) = suite.iter("failure")
    assert failure.attrib["message"].startswith("no-auth-findings: 1 finding")


def test_github_annotation_is_one_command_whatever_was_recorded() -> None:
    text = FORMATS["github"]([HELD, VIOLATED])

    assert text.count("\n") == 1
    assert text.startswith("::error title=perfectcv-traffic check%3A no-auth-findings::")
    assert "/100%25\\n" in text


def test_message_for_a_chat_calls_nobody_and_makes_no_link() -> None:
    evil = VIOLATED._replace(observed="PT303 GET /<!channel>/@everyone/<http://evil|safe>&")

    told = message([evil])

    assert "&lt;!channel&gt;" in str(told["text"])
    assert not re.search("[<>]|@everyone", str(told["text"]))
    assert "@everyone" not in str(told["content"])
    assert told["allowed_mentions"] == {"parse": []}
