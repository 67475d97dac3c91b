"""Narrowing a run: to some rules, or to what an earlier report found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from perfectcv_traffic.errors import StorageError, UsageError
from perfectcv_traffic.generate.operations import Operation
from perfectcv_traffic.generate.producers import Producers
from perfectcv_traffic.rules import RULES


class _Found(msgspec.Struct):
    rule: str
    method: str
    path: str
    fingerprint: str


class _Report(msgspec.Struct):
    findings: list[_Found]


@dataclass(frozen=True, slots=True)
class Only:
    """What is looked for; everything where nothing is said."""

    rules: frozenset[str] = frozenset()
    fingerprints: frozenset[str] = frozenset()
    operations: frozenset[str] | None = None
    """Keys of the operations that are probed; None for all."""

    def looks_for(self, rule: str) -> bool:
        """Whether a rule is one that is looked for."""
        return not self.rules or rule in self.rules

    def admits(self, rule: str, fingerprint: str) -> bool:
        """Whether a finding is one that is looked for."""
        is_known = not self.fingerprints or fingerprint in self.fingerprints
        return is_known and self.looks_for(rule)

    def narrowed(self, operations: Sequence[Operation]) -> tuple[Operation, ...]:
        """The operations to probe, and those that tell their ids."""
        if self.operations is None:
            return tuple(operations)
        producers, wanted = Producers(operations), self.operations
        feeding = {
            one.key for each in operations if each.key in wanted for one in producers.feeding(each)
        }
        return tuple(one for one in operations if one.key in wanted | feeding)


def only_of(rules: Iterable[str], report: Path | None) -> Only:
    """From rule ids and a JSON report of `generate`. Raises `UsageError`, `StorageError`."""
    named = frozenset(rules)
    unknown = sorted(named - {one.id for one in RULES})
    if unknown:
        raise UsageError(f"--only {unknown[0]!r}: see `perfectcv-traffic explain` for the rules")
    if report is None:
        return Only(named)
    try:
        found = msgspec.json.decode(report.read_bytes(), type=_Report).findings
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StorageError(f"--replay {report}: give a report made with --format json") from error
    if not found:
        raise UsageError(f"--replay {report}: it has no findings to test again")
    return Only(
        named,
        frozenset(one.fingerprint for one in found),
        frozenset(f"{one.method} {one.path}" for one in found),
    )
