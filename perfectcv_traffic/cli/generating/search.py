"""What a search for defects was told to look for, and where to tell what it found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perfectcv_traffic.cli.generating import sending
from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.generate.probe import choices
from perfectcv_traffic.generate.probe.budget import RunLimits
from perfectcv_traffic.render.files import require_writable

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

    def require_writable(self) -> None:
        """Raise `StorageError` for a file that could not be written when the work is done."""
        baseline = self.baseline if self.updates_baseline else None
        for path in (*(path for _, path in self.files), baseline):
            if path is not None:
                require_writable(path)


def require_fail_on(choice: str | None, chosen: frozenset[str]) -> None:
    """Refuse what the chosen suites cannot fail on, before anything is sent."""
    if chosen == {LOAD}:
        sending.require_fail_on(choice)
    elif choice == sending.SURPRISE and LOAD not in chosen:
        raise UsageError("--fail-on surprise is for traffic: choose of error, warning, note, never")


def suites(named: str | None, *, is_traffic: bool) -> frozenset[str]:
    """The suites to run: traffic when that is described, else everything that finds defects."""
    if named is None:
        return frozenset({LOAD} if is_traffic else set(SUITES) - {LOAD})
    chosen = [one.strip() for one in named.split(",") if one.strip()]
    unknown = sorted(set(chosen) - set(SUITES))
    if unknown or not chosen:
        raise UsageError(f"--suite {named!r}: choose of {', '.join(SUITES)}")
    if is_traffic and LOAD not in chosen:
        raise UsageError(f"--suite {named!r} sends no traffic: add load to it, or leave it out")
    return frozenset(chosen)


def files(
    formats: list[str] | None, outputs: list[Path] | None, chosen: frozenset[str]
) -> tuple[tuple[str, Path | None], ...]:
    """Formats with their files; the first format without one goes to stdout, text by default."""
    named = list(outputs or ())
    kinds = list(formats or ())
    unknown = sorted(set(kinds) - set(FORMATS))
    if unknown == [VEGETA]:
        raise UsageError("--format vegeta is the shape of a plan: give --dry-run as well")
    if unknown:
        raise UsageError(f"--format {unknown[0]!r}: choose of {', '.join(FORMATS)}")
    if LOAD in chosen and chosen != {LOAD} and (kinds or named):
        raise UsageError("a search and traffic are two reports: call generate once for each")
    kinds += [_suffix_of(one) or "json" for one in named[len(kinds) :]]
    _require_order(kinds, named)
    rest = [None] * (len(kinds) - len(named))
    pairs: list[tuple[str, Path | None]] = list(zip(kinds, [*named, *rest], strict=True))
    return tuple(pairs if rest else [*pairs, ("text", None)])


def _require_order(kinds: list[str], named: list[Path]) -> None:
    """Refuse two reports on stdout, and a file that says it holds another one of them."""
    if len(kinds) > len(named) + 1:
        raise UsageError(
            "one --format alone can go to stdout: give --output for each of the others"
        )
    for kind, path in zip(kinds, named, strict=False):
        if _suffix_of(path) in {*kinds} - {kind}:
            raise UsageError(
                f"--output {path} would hold {kind}: name formats and files in the same order,"
                " the format without a file last"
            )


def _suffix_of(path: Path) -> str | None:
    """The format that the name of a file tells."""
    return _SUFFIXES.get(path.suffix.lower())
