"""What `generate` found as SARIF 2.1.0, for code-scanning hosts."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

import msgspec

from perfectcv_traffic.generate.probe.findings import Finding
from perfectcv_traffic.render.probed import TOOL, Report, version
from perfectcv_traffic.rules import RULES, Rule

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_INDEX: Final = {rule.id: number for number, rule in enumerate(RULES)}


def as_sarif(report: Report) -> str:
    """The report as one SARIF log."""
    listed = [_result(report, one) for one in report.findings]
    listed += [
        {**_result(report, one), "suppressions": [{"kind": "external", "status": "accepted"}]}
        for one in report.accepted
    ]
    run = {
        "tool": {"driver": _driver()},
        "invocations": [_invocation(report)],
        "automationDetails": {"id": f"{TOOL}/generate/"},
        "results": listed,
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(log), indent=2).decode() + "\n"


def _driver() -> dict[str, Any]:
    return {
        "name": TOOL,
        "semanticVersion": version(),
        "rules": [_rule(one) for one in RULES],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    text = f"{rule.meaning}\n\nSeen: {rule.seen}\n\nFix: {rule.fix}"
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.meaning},
        "help": {"text": text},
        "defaultConfiguration": {"level": rule.severity},
        "properties": {"security-severity": rule.security_severity, "tags": ["security", "api"]},
    }


def _invocation(report: Report) -> dict[str, Any]:
    started = {"startTimeUtc": report.started_at} if report.started_at else {}
    notes = [
        {"level": "note", "message": {"text": f"{one.rule} not tested: {one.why}"}}
        for one in report.probed.not_tested
    ]
    if report.probed.stop_reason is not None:
        notes.append({"level": "error", "message": {"text": report.probed.stop_reason}})
    return {
        "executionSuccessful": report.probed.is_complete,
        "toolExecutionNotifications": notes,
        **started,
    }


def _result(report: Report, finding: Finding) -> dict[str, Any]:
    operation = f"{finding.method} {finding.path}"
    where = f" at {finding.pointer}" if finding.pointer else ""
    text = f"{finding.title}: {operation}{where} {finding.observed}, expected {finding.expected}."
    return {
        "ruleId": finding.rule,
        "ruleIndex": _INDEX[finding.rule],
        "level": finding.severity,
        "message": {"text": text},
        "locations": [_location(report, operation)],
        "partialFingerprints": {f"{TOOL}/v1": finding.fingerprint},
        "webRequest": {"method": finding.method, "target": finding.path},
        "properties": {
            "pointer": finding.pointer,
            "confidence": finding.confidence,
            "control": finding.control,
            "curl": finding.curl,
        },
    }


def _location(report: Report, operation: str) -> dict[str, Any]:
    source = report.probed.source
    # Code-scanning hosts want a file in the repository: the document, or its path on the server.
    is_url = source.startswith(("http://", "https://"))
    uri = source.split("://", 1)[-1].partition("/")[2] if is_url else source
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(uri or "openapi.json", safe="/:.~-_")},
            "region": {"startLine": 1},
        },
        "logicalLocations": [{"fullyQualifiedName": operation, "kind": "function"}],
    }
