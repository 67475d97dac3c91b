"""Findings and verdicts of a run: one finding per rule, operation and place."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import msgspec

from perfectcv_traffic.generate.only import Only
from perfectcv_traffic.generate.operations import Operation
from perfectcv_traffic.generate.probe.budget import Stopped
from perfectcv_traffic.generate.probe.curl import curl
from perfectcv_traffic.generate.probe.exchange import Reply
from perfectcv_traffic.rules import SEVERITIES, rule

MAX_TRIGGERS = 10
_NOT_LOOKED_FOR = "the rule was violated at a place that was not looked for (--replay)"


class Verdict(StrEnum):
    """What became of one rule at one operation; the first counts most."""

    FINDING = "finding"
    INCONCLUSIVE = "inconclusive"
    PASSED = "passed"
    NOT_TESTED = "not tested"


CONCLUSIVE: Final = (Verdict.FINDING, Verdict.PASSED)
"""What says something of the operation."""
_RANK = {outcome: position for position, outcome in enumerate(Verdict)}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One defect; the same on the next run, and without a secret."""

    rule: str
    letter: str = msgspec.field(name="class")
    severity: str
    confidence: str
    method: str
    path: str
    pointer: str
    title: str
    expected: str
    observed: str
    control: str
    triggers: tuple[str, ...]
    """What else showed it."""
    evidence: tuple[str, ...]
    """Numbers of the requests; a request's id is `RUN-NUMBER`."""
    fingerprint: str
    curl: str


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one rule at one operation."""

    rule: str
    method: str
    path: str
    verdict: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What one answer shows."""

    rule: str
    reply: Reply
    expected: str
    observed: str
    pointer: str = ""
    control: Reply | None = None
    confidence: str = "high"


@dataclass(slots=True)
class _Kept:
    finding: Finding
    triggers: list[str] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Ledger:
    """What is found out during a run."""

    only: Only = field(default_factory=Only)
    """What is looked for: nothing else has a verdict."""
    most: int | None = None
    """Findings after which the run ends."""
    _findings: dict[tuple[str, str, str], _Kept] = field(default_factory=dict)
    _checks: dict[tuple[str, str], tuple[Verdict, str]] = field(default_factory=dict)
    _operations: dict[str, Operation] = field(default_factory=dict)

    def accuse(self, sign: Sign) -> None:
        """Keep a finding; a further sign of a known one is listed under it."""
        case = sign.reply.case
        key = (sign.rule, case.operation.key, sign.pointer)
        known = self._findings.get(key)
        if known is None:
            found = _finding(sign)
            if not self.only.admits(found.rule, found.fingerprint):
                self.note(sign.rule, case.operation, Verdict.INCONCLUSIVE, _NOT_LOOKED_FOR)
                return
            self.note(sign.rule, case.operation, Verdict.FINDING)
            known = self._findings[key] = _Kept(found)
        elif case.label not in known.triggers and len(known.triggers) < MAX_TRIGGERS:
            known.triggers.append(case.label)
        if len(known.evidence) < MAX_TRIGGERS:
            known.evidence.append(case.number)
        if self.most is not None and len(self._findings) >= self.most:
            raise Stopped(f"{self.most} findings (--max-findings)")

    def note(self, rule_id: str, operation: Operation, outcome: Verdict, reason: str = "") -> None:
        """Keep a verdict; the weightier one of two stays."""
        if not self.only.looks_for(rule_id):
            return
        key = (operation.key, rule_id)
        self._operations[operation.key] = operation
        known = self._checks.get(key)
        if known is None or _RANK[outcome] < _RANK[known[0]]:
            self._checks[key] = (outcome, reason)

    def has(self, rule_id: str, operation: Operation) -> bool:
        """Whether there is a finding of a rule at an operation."""
        return any(key[:2] == (rule_id, operation.key) for key in self._findings)

    def findings(self) -> tuple[Finding, ...]:
        """Every finding, the worst first, in a stable order."""
        complete = [
            msgspec.structs.replace(
                one.finding, triggers=tuple(one.triggers), evidence=tuple(one.evidence)
            )
            for one in self._findings.values()
        ]
        return tuple(sorted(complete, key=_order))

    def checks(self) -> tuple[Check, ...]:
        """Every verdict by operation and rule."""
        return tuple(
            Check(
                rule=rule_id,
                method=self._operations[key].method,
                path=self._operations[key].path,
                verdict=outcome,
                reason=reason,
            )
            for (key, rule_id), (outcome, reason) in sorted(self._checks.items())
        )


def fingerprint(rule_id: str, method: str, path: str, pointer: str) -> str:
    """What tells a finding from every other on any run and host."""
    text = "\0".join((rule_id, method, path, pointer))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _order(finding: Finding) -> tuple[int, str, str, str, str]:
    place = (finding.rule, finding.path, finding.method, finding.pointer)
    return (SEVERITIES.index(finding.severity), *place)


def _finding(sign: Sign) -> Finding:
    operation, known, control = sign.reply.case.operation, rule(sign.rule), sign.control
    return Finding(
        rule=sign.rule,
        letter=known.letter,
        severity=known.severity,
        confidence=sign.confidence,
        method=operation.method,
        path=operation.path,
        pointer=sign.pointer,
        title=known.title,
        expected=sign.expected,
        observed=sign.observed,
        control="" if control is None else f"{control.case.label}: {control.text}",
        triggers=(),
        evidence=(),
        fingerprint=fingerprint(sign.rule, operation.method, operation.path, sign.pointer),
        curl=curl(sign.reply.request, sign.reply.case.presented.shell),
    )
