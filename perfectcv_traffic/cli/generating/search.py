"""What a search for defects was told to look for, and where to tell what it found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.generate.probe import choices
from perfectcv_traffic.generate.probe.budget import RunLimits

LOAD: Final = "load"
SUITES: Final = (*choices.SUITES, LOAD)
FORMATS: Final = ("text", "json", "jsonl", "junit", "sarif")
VEGETA: Final = "vegeta"
"""The shape of a plan, not of a report."""
_SUFFIXES: Final = {".txt": "text", ".json": "json", ".jsonl": "jsonl", ".xml": "junit"} | {
    ".sarif": "sarif"
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to look for, and where to tell it."""

    suites: frozenset[str]
    limits: RunLimits
    is_thorough: bool
    slow: float
    admin_path: str
    only: tuple[str, ...]
    replay: Path | None
    files: tuple[tuple[str, Path | None], ...]
    baseline: Path | None
    updates_baseline: bool
    fail_on: str | None


def suites(named: str | None, *, is_traffic: bool) -> frozenset[str]:
    """The suites to run: traffic when that is described, else everything that finds defects."""
    if named is None:
        return frozenset({LOAD} if is_traffic else set(SUITES) - {LOAD})
    chosen = [one.strip() for one in named.split(",") if one.strip()]
    unknown = sorted(set(chosen) - set(SUITES))
    if unknown or not chosen:
        raise UsageError(f"--suite {named!r}: choose of {', '.join(SUITES)}")
    return frozenset(chosen)


def files(
    formats: list[str] | None, outputs: list[Path] | None
) -> tuple[tuple[str, Path | None], ...]:
    """Formats with their files; the first format without one goes to stdout, text by default."""
    named = list(outputs or ())
    kinds = list(formats or ())
    unknown = sorted(set(kinds) - set(FORMATS))
    if unknown == [VEGETA]:
        raise UsageError("--format vegeta is the shape of a plan: give --dry-run as well")
    if unknown:
        raise UsageError(f"--format {unknown[0]!r}: choose of {', '.join(FORMATS)}")
    kinds += [_SUFFIXES.get(one.suffix.lower(), "json") for one in named[len(kinds) :]]
    rest = [None] * (len(kinds) - len(named))
    pairs: list[tuple[str, Path | None]] = list(zip(kinds, [*named, *rest], strict=True))
    return tuple(pairs if rest else [*pairs, ("text", None)])
