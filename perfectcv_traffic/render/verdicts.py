"""Verdicts of `check` as text, JSON, JUnit XML, and annotations of GitHub Actions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from xml.etree import ElementTree

from perfectcv_traffic.analysis.thresholds import Verdict
from perfectcv_traffic.render.text import visible

SUITE = "perfectcv-traffic check"
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
"""What Slack takes for a link or a call to everybody, and Markdown for HTML; not Discord."""


def text(verdicts: Sequence[Verdict]) -> str:
    """A line for each rule that is violated."""
    return "".join(f"{_line(one)}\n" for one in verdicts if not one.holds)


def as_json(verdicts: Sequence[Verdict]) -> str:
    """Every rule, violated or not."""
    document = {
        "passed": all(one.holds for one in verdicts),
        "rules": [one._asdict() for one in verdicts],
    }
    return json.dumps(document, indent=2) + "\n"


def junit(verdicts: Sequence[Verdict]) -> str:
    """A test case for each rule, as CI servers read them."""
    failures = sum(not one.holds for one in verdicts)
    suite = ElementTree.Element(
        "testsuite", name=SUITE, tests=str(len(verdicts)), failures=str(failures), errors="0"
    )
    for one in verdicts:
        case = ElementTree.SubElement(suite, "testcase", classname=SUITE, name=one.rule)
        if not one.holds:
            ElementTree.SubElement(case, "failure", message=visible(_line(one)))
    ElementTree.indent(suite)
    body = ElementTree.tostring(suite, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def github(verdicts: Sequence[Verdict]) -> str:
    """A workflow command for each rule that is violated: an annotation of the run."""
    return "".join(
        f"::error title={SUITE}%3A {one.rule}::{_escaped(_line(one))}\n"
        for one in verdicts
        if not one.holds
    )


def message(verdicts: Sequence[Verdict]) -> dict[str, object]:
    """The verdicts for a webhook: every rule, and a text where chat programs look for one.

    Paths are somebody else's words: none of them calls people (`@everyone`) or makes a link.
    """
    lines = [_line(one) for one in verdicts if not one.holds]
    brief = "\n".join(
        [f"{SUITE}: {len(lines)} violated", *lines] if lines else [f"{SUITE}: passed"]
    )
    nobody = brief.replace("@", "@\u200b")
    return {
        "text": nobody.translate(_ENTITIES),
        "content": nobody,
        "allowed_mentions": {"parse": []},
        "passed": not lines,
        "rules": [one._asdict() for one in verdicts],
    }


FORMATS: Mapping[str, Callable[[Sequence[Verdict]], str]] = {
    "text": text,
    "json": as_json,
    "junit": junit,
    "github": github,
}


def _line(verdict: Verdict) -> str:
    return visible(f"{verdict.rule}: {verdict.observed}; expected {verdict.expected}")


def _escaped(message: str) -> str:
    """`%` starts an escape in a workflow command; line ends are escapes already."""
    return message.replace("%", "%25")
