"""What a search for defects can be told on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from perfectcv_traffic.cli.options import option
from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.generate.probe import choices
from perfectcv_traffic.generate.probe.budget import RunLimits

LOAD: Final = "load"
SUITES: Final = (*choices.SUITES, LOAD)
FORMATS: Final = ("text", "json", "jsonl", "junit", "sarif")
VEGETA: Final = "vegeta"
"""The shape of a plan, not of a report."""
DEFAULTS: Final = RunLimits()
_SUFFIXES: Final = {".txt": "text", ".json": "json", ".jsonl": "jsonl", ".xml": "junit"} | {
    ".sarif": "sarif"
}

FINDING: Final = "What to look for"
LIMITS: Final = "Limits of a run"
OUTPUT: Final = "What to tell"

Suite = Annotated[
    str | None,
    option(
        "--suite",
        help="Of auth, null, answers, load, by comma. [default: auth,null,answers]",
        panel=FINDING,
    ),
]
MaxRequests = Annotated[
    int, option("--max-requests", help="Stop after so many requests.", panel=LIMITS, min=1)
]
MaxSeconds = Annotated[
    float, option("--max-seconds", help="Stop after so many seconds.", panel=LIMITS, min=0.001)
]
StopAfter = Annotated[
    int, option("--stop-after", help="Stop after so many 5xx in a row.", panel=LIMITS, min=1)
]
Thorough = Annotated[
    bool,
    option("--thorough", help="Every variant at every operation: more requests.", panel=FINDING),
]
MaxFindings = Annotated[
    int | None, option("--max-findings", help="Stop at so many findings.", panel=LIMITS, min=1)
]
Only = Annotated[
    list[str] | None,
    option("--only", help="Only this rule (PT104); may be repeated.", panel=FINDING, of="generate"),
]
Replay = Annotated[
    Path | None,
    option(
        "--replay",
        help="Test again only what this JSON report found.",
        panel=FINDING,
        dir_okay=False,
        exists=True,
    ),
]
Slow = Annotated[
    float, option("--slow", help="Seconds from which an answer is slow.", panel=FINDING, min=0.001)
]
AdminPath = Annotated[
    str, option("--admin-path", help="Paths a lower role must not reach (pattern).", panel=FINDING)
]
DryRun = Annotated[
    bool,
    option(
        "--dry-run",
        help="Print the plan as JSON lines, with --format vegeta as its targets; only the document"
        " is fetched.",
        panel=FINDING,
    ),
]
Formats = Annotated[
    list[str] | None,
    option(
        "--format",
        help="text, json, jsonl, junit or sarif; repeatable, with --output.",
        panel=OUTPUT,
        of="generate",
    ),
]
Outputs = Annotated[
    list[Path] | None,
    option(
        "--output",
        help="File for the --format before it; repeatable.",
        panel=OUTPUT,
        of="generate",
    ),
]
Baseline = Annotated[
    Path | None,
    option("--baseline", help="File of accepted findings.", panel=OUTPUT, dir_okay=False),
]
UpdateBaseline = Annotated[
    bool, option("--update-baseline", help="Write all findings into --baseline.", panel=OUTPUT)
]
FailOn = Annotated[
    str | None,
    option(
        "--fail-on",
        help="Exit 1 from this severity on: error, warning, note; never; or surprise (traffic)."
        " [default: error; traffic: never]",
        panel=OUTPUT,
        of="generate",
    ),
]


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
