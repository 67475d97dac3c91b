"""What `generate` found, as text: the summary first, then findings by severity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from perfectcv_traffic.generate.credentials import DEFAULT_VARIABLES
from perfectcv_traffic.generate.probe.findings import Check, Finding, Verdict
from perfectcv_traffic.render.probed import Report
from perfectcv_traffic.render.text import visible
from perfectcv_traffic.rules import SEVERITIES

MAX_LISTED: Final = 10
CURL: Final = "  curl "
"""How a line begins that is copied, and so must stay whole."""
_LOGGED_IN: Final = DEFAULT_VARIABLES["token"]
"""Where a curl line looks for a token that no variable held: one from a login or a file."""


def as_text(report: Report) -> str:
    """The report for a person."""
    lines = [_headline(report), ""]
    for finding in report.findings:
        lines += [*_finding(finding), ""]
    lines += _notes(report)
    return "\n".join(visible(line) for line in lines).rstrip("\n") + "\n"


def _headline(report: Report) -> str:
    probed, found = report.probed, Counter(one.severity for one in report.findings)
    kinds = ", ".join(f"{_counted(found[one], one)}" for one in SEVERITIES if found[one])
    verdict = f"{_counted(len(report.findings), 'finding')} ({kinds})" if kinds else "no findings"
    return (
        f"{probed.target}: {_counted(len(probed.operations), 'operation')},"
        f" {len(probed.reached)} answered 2xx,"
        f" {_counted(probed.requests, 'request')} in {probed.seconds:.1f} s: {verdict}"
    )


def _finding(finding: Finding) -> Iterator[str]:
    place = f" {finding.pointer}" if finding.pointer else ""
    yield f"{finding.severity} {finding.rule} {finding.method} {finding.path}{place}"
    yield f"  {finding.title}"
    control = f" ({finding.control})" if finding.control else ""
    yield f"  {finding.observed}; expected {finding.expected}{control}"
    yield f"  {finding.curl}"


def _notes(report: Report) -> Iterator[str]:
    probed = report.probed
    if probed.stop_reason is not None:
        yield f"Stopped early: {probed.stop_reason}"
    if report.accepted:
        yield f"Accepted in the baseline: {_counted(len(report.accepted), 'finding')}"
    unknown = [one for one in probed.checks if one.verdict == Verdict.INCONCLUSIVE]
    yield from _inconclusive(unknown)
    for one in probed.not_tested:
        yield f"Not tested: {one.rule}: {one.why}"
    reasons = Counter(one.reason for one in probed.left_out)
    if reasons:
        listed = "; ".join(f"{reason} ({number})" for reason, number in reasons.most_common())
        yield f"Left out: {_counted(len(probed.left_out), 'operation')}: {listed}"
    if any(f"${_LOGGED_IN}" in one.curl for one in report.findings):
        yield f"The curl lines take the token from the variable {_LOGGED_IN}: export it first"
    if report.findings:
        yield "What a rule means and how to fix it: perfectcv-traffic explain RULE"


def _inconclusive(checks: Iterable[Check]) -> Iterator[str]:
    by_place: dict[tuple[str, str], list[str]] = {}
    for one in checks:
        by_place.setdefault((f"{one.method} {one.path}", one.reason), []).append(one.rule)
    for (place, reason), rules in list(by_place.items())[:MAX_LISTED]:
        yield f"Inconclusive: {place}: {reason} ({', '.join(rules)})"
    if len(by_place) > MAX_LISTED:
        yield f"Inconclusive: {len(by_place) - MAX_LISTED} more, all in --format json"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
