"""What `generate` found as JUnit XML: a suite per tag, a case per operation and rule."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree

from perfectcv_traffic.generate.probe.findings import Check, Finding, Verdict
from perfectcv_traffic.render.probed import TOOL, Report, version
from perfectcv_traffic.rules import rule

UNTAGGED = "api"
_NOT_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_junit(report: Report) -> str:
    """The report as one JUnit document."""
    root = ElementTree.Element("testsuites", name=TOOL)
    tags = {one.key: next(iter(one.tags), UNTAGGED) for one in report.probed.operations}
    suites: dict[str, list[ElementTree.Element]] = {}
    for check in report.probed.checks:
        tag = tags.get(f"{check.method} {check.path}", UNTAGGED)
        suites.setdefault(tag, []).append(_case(check, report))
    for left in report.probed.left_out:
        case = _element("testcase", classname=f"{left.method} {left.path}", name="left out")
        case.append(_element("skipped", message=left.reason))
        suites.setdefault("left out", []).append(case)
    for tag in sorted(suites):
        root.append(_suite(tag, suites[tag], report))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(tag: str, cases: list[ElementTree.Element], report: Report) -> ElementTree.Element:
    suite = _element(
        "testsuite",
        name=tag,
        tests=str(len(cases)),
        failures=str(_count(cases, "failure")),
        errors="0",
        skipped=str(_count(cases, "skipped")),
        time="0",
        timestamp=report.started_at.removesuffix("Z"),
        hostname="localhost",
    )
    facts = {
        "version": version(),
        "target": report.probed.target,
        "seed": str(report.probed.seed),
        "requests": str(report.probed.requests),
        "complete": str(report.probed.is_complete).lower(),
    }
    properties = ElementTree.SubElement(suite, "properties")
    properties.extend(_element("property", name=name, value=one) for name, one in facts.items())
    suite.extend(cases)
    return suite


def _case(check: Check, report: Report) -> ElementTree.Element:
    name = f"{check.rule} {rule(check.rule).name}"
    case = _element("testcase", classname=f"{check.method} {check.path}", name=name, time="0")
    if check.verdict == Verdict.FINDING:
        found = _of(report.findings, check)
        if found:
            case.append(_failure(check, found))
        else:
            case.append(_element("skipped", message="accepted in the baseline"))
    elif check.verdict != Verdict.PASSED:
        case.append(_element("skipped", message=f"{check.verdict}: {check.reason}"))
    return case


def _failure(check: Check, found: list[Finding]) -> ElementTree.Element:
    failure = _element("failure", type=check.rule, message=f"{check.rule}: {found[0].title}")
    failure.text = _clean(
        "\n".join(
            f"{one.pointer} {one.observed}, expected {one.expected}\n{one.curl}".strip()
            for one in found
        )
    )
    return failure


def _of(findings: Iterable[Finding], check: Check) -> list[Finding]:
    place = (check.rule, check.method, check.path)
    return [one for one in findings if (one.rule, one.method, one.path) == place]


def _count(cases: Iterable[ElementTree.Element], name: str) -> int:
    return sum(one.find(name) is not None for one in cases)


def _element(tag: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.Element(tag, {name: _clean(text) for name, text in attributes.items()})


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
