"""Looking for defects with a progress bar, and telling and keeping what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from perfectcv_traffic.cli.generating.job import Job
from perfectcv_traffic.cli.generating.progress import live
from perfectcv_traffic.cli.generating.search import FORMATS, VEGETA, Wanted
from perfectcv_traffic.cli.generating.sending import SURPRISE, no_answer
from perfectcv_traffic.cli.output import JSON_LINES, say_line, streams, tell, write
from perfectcv_traffic.cli.terminal import note
from perfectcv_traffic.errors import ExitCode, TargetError, TrafficError, UsageError
from perfectcv_traffic.rules import SEVERITIES, is_at_least
from perfectcv_traffic.timestamps import to_the_second

if TYPE_CHECKING:
    from perfectcv_traffic.generate.accepted import Accepted
    from perfectcv_traffic.generate.find import Probed, ProbeOptions
    from perfectcv_traffic.generate.outcome import Outcome
    from perfectcv_traffic.generate.probe.preview import Step
    from perfectcv_traffic.render.probed import Report


def show_plan(job: Job, wanted: Wanted, *, shape: str, to: Path | None, is_traffic: bool) -> None:
    """Write what would be sent, a JSON object a line: of a search or of traffic, or as targets."""
    from perfectcv_traffic.generate.outline import outline
    from perfectcv_traffic.generate.vegeta import write_targets

    if shape == VEGETA:
        lines = list(write_targets(outline(job.target, job.options, job.credentials)))
    else:
        steps = _steps(job, wanted, is_traffic=is_traffic)
        lines = [msgspec.json.encode(one).decode() + "\n" for one in steps]
    tell("".join(lines), to)
    note(f"{len(lines)} requests at most, none of them sent")


def _steps(job: Job, wanted: Wanted, *, is_traffic: bool) -> Iterator[Step]:
    from perfectcv_traffic.generate.find import plan
    from perfectcv_traffic.generate.outline import steps

    if wanted.suites:
        yield from plan(
            job.target, job.options, _probe_options(wanted), credentials=job.credentials
        )
    if is_traffic:
        yield from steps(job.target, job.options, job.credentials)


def find(job: Job, wanted: Wanted) -> int:
    """Look for defects, tell them, keep them; the exit code."""
    from perfectcv_traffic.generate.accepted import read_accepted
    from perfectcv_traffic.render.probed import closing_events, line
    from perfectcv_traffic.store import database

    least = _severity(wanted.fail_on)
    if wanted.updates_baseline and wanted.baseline is None:
        raise UsageError("--update-baseline needs the file: give --baseline as well")
    if wanted.baseline is not None:
        read_accepted(wanted.baseline)  # one that cannot be read is said before anything is sent
    started = datetime.now(UTC)
    database.require_usable(job.db)  # or that is said before anything is sent
    started_at = to_the_second(started)
    with streams(wanted.files) as write:
        probed = _watched(job, wanted, started_at, write)
        report = _settled(job, wanted, probed, started_at)
        for event in closing_events(report):
            write(line(event))
    _tell(report, wanted)
    return _exit_code(report, wanted, least)


def _watched(job: Job, wanted: Wanted, started_at: str, write: Callable[[str], None]) -> Probed:
    """The run, told as it goes on."""
    from perfectcv_traffic.generate.find import find as find_defects
    from perfectcv_traffic.generate.marks import new_run_id
    from perfectcv_traffic.render.probed import line, request_event, start_event

    run_id = new_run_id()
    start = start_event(
        run_id=run_id, target=job.target, seed=job.options.seed, started_at=started_at
    )
    write(line(start))
    with live("probing") as follow:

        def on_outcome(outcome: Outcome) -> None:
            write(line(request_event(outcome)))
            follow(outcome)

        return find_defects(
            job.target,
            replace(job.options, run_id=run_id),
            _probe_options(wanted),
            credentials=job.credentials,
            on_outcome=on_outcome,
        )


def _settled(job: Job, wanted: Wanted, probed: Probed, started_at: str) -> Report:
    """The run kept in the database, and what of it is new."""
    from perfectcv_traffic.generate.accepted import read_accepted, split, write_accepted
    from perfectcv_traffic.render.probed import Report

    known = read_accepted(wanted.baseline) if wanted.baseline is not None else ()
    job.run_ids.append(probed.run_id)
    _store(job, probed)
    if wanted.updates_baseline and wanted.baseline is not None and probed.is_complete:
        untested = _untested(known, wanted, probed)
        write_accepted(
            wanted.baseline, known, probed.findings, untested=untested, date=started_at[:10]
        )
        known = read_accepted(wanted.baseline)
    new, accepted = split(probed.findings, known)
    return Report(probed=probed, findings=new, accepted=accepted, started_at=started_at)


def _untested(known: Iterable[Accepted], wanted: Wanted, probed: Probed) -> list[Accepted]:
    """What was accepted before and this run says nothing of."""
    from perfectcv_traffic.generate.only import only_of
    from perfectcv_traffic.generate.probe.findings import CONCLUSIVE

    only = only_of(wanted.only, wanted.replay)
    tested = {
        (one.rule, one.method, one.path) for one in probed.checks if one.verdict in CONCLUSIVE
    }
    return [
        one
        for one in known
        if (one.rule, one.method, one.path) not in tested
        or not only.admits(one.rule, one.fingerprint)
    ]


def _stopped(probed: Probed) -> TrafficError:
    """Why the run says less than it was asked for: the target's fault, or a limit's."""
    from perfectcv_traffic.generate.probe.budget import GivenUp

    why = f"the run stopped early: {probed.stop_reason}"
    return TargetError(why) if isinstance(probed.stopped, GivenUp) else UsageError(why)


def _probe_options(wanted: Wanted) -> ProbeOptions:
    from perfectcv_traffic.generate.find import ProbeOptions
    from perfectcv_traffic.generate.only import only_of

    return ProbeOptions(
        suites=tuple(sorted(wanted.suites)),
        limits=wanted.limits,
        only=only_of(wanted.only, wanted.replay),
        is_thorough=wanted.is_thorough,
        slow=wanted.slow,
        admin_path=wanted.admin_path,
    )


def _severity(fail_on: str | None) -> str | None:
    if fail_on == "never":
        return None
    if fail_on == SURPRISE:  # that is what its traffic fails on
        return "error"
    if fail_on is not None and fail_on not in SEVERITIES:
        raise UsageError(f"--fail-on {fail_on!r}: choose of {', '.join(SEVERITIES)}, never")
    return fail_on or "error"


def _exit_code(report: Report, wanted: Wanted, least: str | None) -> int:
    """0 fine, 1 findings; what could not be done at all is an error."""
    _require_use(report.probed, wanted)
    if least is not None and any(is_at_least(one.severity, least) for one in report.findings):
        return ExitCode.FINDINGS
    if least is not None or not report.findings:
        _require_result(report)
    return ExitCode.OK


def _require_use(probed: Probed, wanted: Wanted) -> None:
    """Raise if a run that stopped early is of no use, whatever it found until then."""
    from perfectcv_traffic.generate.probe.budget import Refused

    if probed.is_interrupted:
        raise KeyboardInterrupt
    if isinstance(probed.stopped, Refused):
        raise UsageError(str(probed.stopped))
    if wanted.updates_baseline and not probed.is_complete:
        note(f"{wanted.baseline} stays as it was: the run stopped early")
        raise _stopped(probed)


def _require_result(report: Report) -> None:
    """Raise if it means nothing that there are no findings, or none that fail."""
    probed = report.probed
    if probed.outcomes and all(one.status is None for one in probed.outcomes):
        raise no_answer(probed)
    if not probed.is_complete:
        raise _stopped(probed)
    if not probed.reached and not report.findings and not report.accepted:
        answers = ", ".join(f"{status} × {times}" for status, times in probed.by_status.items())
        raise TargetError(
            f"{probed.target}: no operation answered 2xx ({answers}), so that nothing could be"
            " tested: check the API, credentials and document"
        )


def _tell(report: Report, wanted: Wanted) -> None:
    writers = _writers()
    for kind, path in wanted.files:
        if (kind, path) == ("text", None):
            _print(writers[kind](report))
        elif kind != JSON_LINES:
            tell(writers[kind](report), path)


def _print(text: str) -> None:
    from perfectcv_traffic.render.found import CURL

    for one in text.removesuffix("\n").split("\n"):
        if one.startswith(CURL):
            write([f"{one}\n"])
        else:
            say_line(one)


def _writers() -> dict[str, Callable[[Report], str]]:
    from perfectcv_traffic.render.found import as_text
    from perfectcv_traffic.render.junit import as_junit
    from perfectcv_traffic.render.probed import as_json, as_json_lines
    from perfectcv_traffic.render.sarif import as_sarif

    made = (as_text, as_json, as_json_lines, as_junit, as_sarif)
    return dict(zip(FORMATS, made, strict=True))


def _store(job: Job, probed: Probed) -> None:
    from perfectcv_traffic.cli.generating.sending import rows_of
    from perfectcv_traffic.store import database, queries
    from perfectcv_traffic.store.findings import store_findings

    with database.writing(job.db) as connection:
        queries.store_generated(connection, rows_of(probed))
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
