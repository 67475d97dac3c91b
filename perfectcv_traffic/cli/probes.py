"""What a search for defects can be told on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from perfectcv_traffic.cli.files import require_writable
from perfectcv_traffic.cli.options import option, typed_option
from perfectcv_traffic.cli.sending import SURPRISE
from perfectcv_traffic.cli.sending import require_fail_on as require_choice
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
    bool,
    typed_option("--update-baseline", help="Write all findings into --baseline.", panel=OUTPUT),
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

    def require_writable(self) -> None:
        """Raise `StorageError` for a file that could not be written when the work is done."""
        for _, path in self.files:
            if path is not None:
                require_writable(path)
        if self.updates_baseline and self.baseline is not None:
            require_writable(self.baseline, "--baseline")


def require_fail_on(choice: str | None, chosen: frozenset[str]) -> None:
    """Refuse what the chosen suites cannot fail on, before anything is sent."""
    if chosen == {LOAD}:
        require_choice(choice)
    elif choice == SURPRISE and LOAD not in chosen:
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
    rest = [None] * (len(kinds) - len(named))
    pairs: list[tuple[str, Path | None]] = list(zip(kinds, [*named, *rest], strict=True))
    return tuple(pairs if rest else [*pairs, ("text", None)])


def _suffix_of(path: Path) -> str | None:
    """The format that the name of a file tells."""
    return _SUFFIXES.get(path.suffix.lower())
