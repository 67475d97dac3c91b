"""What `generate` found, as one plain structure and as JSON and JSON lines made of it."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from perfectcv_traffic.generate.find import Probed
from perfectcv_traffic.generate.outcome import Outcome
from perfectcv_traffic.generate.probe.findings import CONCLUSIVE, Finding, Verdict
from perfectcv_traffic.rules import RULES

SCHEMA_VERSION = 1
TOOL = "perfectcv-traffic"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A run with what of it is new; the time comes from outside."""

    probed: Probed
    findings: tuple[Finding, ...]
    accepted: tuple[Finding, ...] = ()
    started_at: str = ""
    command: Sequence[str] = field(default_factory=tuple)


def version() -> str:
    """The version of the tool."""
    return importlib.metadata.version(TOOL)


def head(report: Report) -> Json:
    """What was tested, with what, when."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": TOOL, "version": version()},
        "run_id": report.probed.run_id,
        "target": report.probed.target,
        "document": report.probed.source,
        "seed": report.probed.seed,
        "started_at": report.started_at,
    }


def summary(report: Report) -> Json:
    """How it went: counts, what was tested and what was not."""
    probed = report.probed
    inconclusive = {
        (one.method, one.path) for one in probed.checks if one.verdict == Verdict.INCONCLUSIVE
    }
    tested = {one.rule for one in probed.checks if one.verdict in CONCLUSIVE}
    return {
        "seconds": round(probed.seconds, 3),
        "complete": probed.is_complete,
        "stop_reason": probed.stop_reason,
        "counts": {
            "requests": probed.requests,
            "by_status": probed.by_status,
            "findings": len(report.findings),
            "accepted": len(report.accepted),
            "operations": {
                "total": len(probed.operations),
                "reached_2xx": len(probed.reached),
                "inconclusive": len(inconclusive),
                "skipped": len(probed.left_out),
            },
        },
        "tested_classes": [
            {"rule": one.id, "class": one.letter, "title": one.title}
            for one in RULES
            if one.id in tested
        ],
        "not_tested": [msgspec.to_builtins(one) for one in probed.not_tested],
    }


def as_json(report: Report) -> str:
    """The whole report as one JSON document."""
    document = {
        **head(report),
        **summary(report),
        "findings": [msgspec.to_builtins(one) for one in report.findings],
        "accepted": [msgspec.to_builtins(one) for one in report.accepted],
        "checks": [msgspec.to_builtins(one) for one in report.probed.checks],
        "skipped": [_skipped(one) for one in report.probed.left_out],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def start_event(*, run_id: str, target: str, seed: int, started_at: str) -> Json:
    """The first line of a run that is told as it goes."""
    return {
        "event": "start",
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": TOOL, "version": version()},
        "run_id": run_id,
        "target": target,
        "seed": seed,
        "started_at": started_at,
    }


def request_event(outcome: Outcome) -> Json:
    """One request and what came back."""
    return {"event": "request", **msgspec.to_builtins(outcome)}


def closing_events(report: Report) -> list[Json]:
    """What is known at the end; the last one is the summary."""
    events = [{"event": "finding", **msgspec.to_builtins(one)} for one in report.findings]
    events += [{"event": "accepted", **msgspec.to_builtins(one)} for one in report.accepted]
    events += [{"event": "check", **msgspec.to_builtins(one)} for one in report.probed.checks]
    events += [{"event": "skipped", **_skipped(one)} for one in report.probed.left_out]
    return [*events, {"event": "summary", "document": report.probed.source, **summary(report)}]


def line(event: Json) -> str:
    """An event as a line."""
    return msgspec.json.encode(event).decode() + "\n"


def as_json_lines(report: Report) -> str:
    """The report as one event a line: what a run writes as it goes."""
    probed = report.probed
    start = start_event(
        run_id=probed.run_id,
        target=probed.target,
        seed=probed.seed,
        started_at=report.started_at,
    )
    events = [start, *map(request_event, probed.outcomes), *closing_events(report)]
    return "".join(map(line, events))


def _skipped(one: Any) -> Json:
    return {
        "method": one.method,
        "path": one.path,
        "scenario": one.scenario,
        "reason": one.reason,
    }
