"""Looking for defects with a progress bar, and telling and keeping what was found."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import msgspec

from perfectcv_traffic.cli.files import tell
from perfectcv_traffic.cli.job import Job
from perfectcv_traffic.cli.live import live
from perfectcv_traffic.cli.options import option
from perfectcv_traffic.cli.terminal import note
from perfectcv_traffic.errors import ExitCode, TargetError, UsageError
from perfectcv_traffic.rules import SEVERITIES, is_at_least

if TYPE_CHECKING:
    from perfectcv_traffic.generate.credentials import Credentials
    from perfectcv_traffic.generate.find import Probed, ProbeOptions
    from perfectcv_traffic.generate.options import Options
    from perfectcv_traffic.render.probed import Report

LOAD: Final = "load"
SUITES: Final = ("auth", "null", "answers", LOAD)
DEFAULT_ADMIN_PATH: Final = r"(^|/)admin(/|$)"
FORMATS: Final = ("text", "json", "jsonl", "junit", "sarif")
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
    option("--only", help="Only this rule (PT104); may be repeated.", panel=FINDING),
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
        help="Print the plan as JSON lines; only the document is fetched.",
        panel=FINDING,
    ),
]
Formats = Annotated[
    list[str] | None,
    option(
        "--format",
        help="text, json, jsonl, junit or sarif; repeatable, with --output.",
        panel=OUTPUT,
    ),
]
Outputs = Annotated[
    list[Path] | None,
    option("--output", help="File for the --format before it; repeatable.", panel=OUTPUT),
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
    ),
]


class Limits(NamedTuple):
    """What a run may cost."""

    requests: int
    seconds: float
    failures: int
    findings: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to look for, and where to tell it."""

    suites: frozenset[str]
    limits: Limits
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
    # A folder is no report: PERFECTCV_TRAFFIC_OUTPUT names one for other commands.
    named = [one for one in outputs or () if not one.is_dir()]
    kinds = list(formats or ())
    unknown = sorted(set(kinds) - set(FORMATS))
    if unknown:
        raise UsageError(f"--format {unknown[0]!r}: choose of {', '.join(FORMATS)}")
    kinds += [_SUFFIXES.get(one.suffix.lower(), "json") for one in named[len(kinds) :]]
    rest = [None] * (len(kinds) - len(named))
    pairs: list[tuple[str, Path | None]] = list(zip(kinds, [*named, *rest], strict=True))
    return tuple(pairs if rest else [*pairs, ("text", None)])


def show_plan(target: str, options: Options, credentials: Credentials) -> None:
    """Print what would be sent, a JSON object a line."""
    from perfectcv_traffic.generate.find import plan

    steps = plan(target, options, credentials=credentials)
    sys.stdout.write("".join(msgspec.json.encode(one).decode() + "\n" for one in steps))
    note(f"{len(steps)} requests at most, none of them sent")


def find(job: Job, wanted: Wanted) -> int:
    """Look for defects, tell them, keep them; the exit code."""
    from perfectcv_traffic.generate.accepted import read_accepted, split, write_accepted
    from perfectcv_traffic.generate.find import find as find_defects
    from perfectcv_traffic.render.probed import Report
    from perfectcv_traffic.store import database

    least = _severity(wanted.fail_on)
    known = read_accepted(wanted.baseline) if wanted.baseline is not None else ()
    started = datetime.now(UTC)
    with database.writing(job.db):
        pass  # a database that cannot be used is said before anything is sent
    with live("probing", total=None) as follow:
        probed = find_defects(
            job.target,
            job.options,
            _probe_options(wanted),
            credentials=job.credentials,
            on_outcome=follow,
        )
    job.run_ids.append(probed.run_id)
    _store(job, probed)
    if wanted.updates_baseline and wanted.baseline is not None:
        date = started.date().isoformat()
        write_accepted(wanted.baseline, known, probed.findings, date=date)
        known = read_accepted(wanted.baseline)
    new, accepted = split(probed.findings, known)
    report = Report(
        probed=probed,
        findings=new,
        accepted=accepted,
        started_at=started.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    _tell(report, wanted)
    return _exit_code(report, least)


def _probe_options(wanted: Wanted) -> ProbeOptions:
    from perfectcv_traffic.generate.find import ProbeOptions
    from perfectcv_traffic.generate.only import only_of
    from perfectcv_traffic.generate.probe import budget

    requests, seconds, failures, findings = wanted.limits
    return ProbeOptions(
        suites=tuple(sorted(wanted.suites)),
        limits=budget.Limits(
            max_requests=requests,
            max_seconds=seconds,
            stop_after=failures,
            max_findings=findings,
        ),
        only=only_of(wanted.only, wanted.replay),
        is_thorough=wanted.is_thorough,
        slow=wanted.slow,
        admin_path=wanted.admin_path,
    )


def _severity(fail_on: str | None) -> str | None:
    if fail_on in ("never", "surprise"):
        return None
    if fail_on is not None and fail_on not in SEVERITIES:
        raise UsageError(f"--fail-on {fail_on!r}: choose of {', '.join(SEVERITIES)}, never")
    return fail_on or "error"


def _exit_code(report: Report, least: str | None) -> int:
    """0 fine, 1 findings; what could not be done at all is an error."""
    probed = report.probed
    if probed.is_interrupted:
        raise KeyboardInterrupt
    if least is not None and any(is_at_least(one.severity, least) for one in report.findings):
        return ExitCode.FINDINGS
    if report.findings:
        return ExitCode.OK
    if probed.outcomes and all(one.status is None for one in probed.outcomes):
        why = probed.outcomes[-1].error
        raise TargetError(f"{probed.target} gave no answer ({why}): is the API running?")
    if not probed.is_complete:
        raise UsageError(f"the run stopped early: {probed.stop_reason}")
    if not probed.reached and not report.accepted:
        raise UsageError(
            f"{probed.target}: no operation answered 2xx, so that nothing could be tested:"
            " check credentials and document"
        )
    return ExitCode.OK


def _tell(report: Report, wanted: Wanted) -> None:
    writers = _writers()
    for kind, path in wanted.files:
        tell(writers[kind](report), path)


def _writers() -> dict[str, Callable[[Report], str]]:
    from perfectcv_traffic.render.found import as_text
    from perfectcv_traffic.render.junit import as_junit
    from perfectcv_traffic.render.probed import as_json, as_json_lines
    from perfectcv_traffic.render.sarif import as_sarif

    made = (as_text, as_json, as_json_lines, as_junit, as_sarif)
    return dict(zip(FORMATS, made, strict=True))


def _store(job: Job, probed: Probed) -> None:
    from perfectcv_traffic.cli.sending import rows_of
    from perfectcv_traffic.store import database, queries
    from perfectcv_traffic.store.findings import store_findings

    with database.writing(job.db) as connection:
        sent = rows_of(probed.run_id, probed.setup_ids, probed.outcomes)
        queries.store_generated(connection, sent)
        store_findings(connection, _finding_rows(probed))


def _finding_rows(probed: Probed) -> Iterator[tuple[object, ...]]:
    """Rows of `findings`; here the evidence has whole request ids."""
    for one in probed.findings:
        ids = [f"{probed.run_id}-{number}" for number in one.evidence]
        yield (
            probed.run_id, one.rule, one.severity, one.method, one.path, one.pointer, one.title,
            one.expected, one.observed, msgspec.json.encode(ids).decode(), one.fingerprint,
            one.curl,
        )  # fmt: skip
