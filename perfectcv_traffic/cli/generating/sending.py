"""Sending test traffic with a progress bar, and keeping what was sent: for `generate` and `run`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from perfectcv_traffic.cli.generating.job import Job
from perfectcv_traffic.cli.generating.progress import live
from perfectcv_traffic.cli.generating.replaying import tell_left_out
from perfectcv_traffic.cli.terminal import note, results
from perfectcv_traffic.errors import ExitCode, TargetError, UsageError
from perfectcv_traffic.timestamps import to_the_second

if TYPE_CHECKING:
    from perfectcv_traffic.generate.credentials import Credentials
    from perfectcv_traffic.generate.options import Options
    from perfectcv_traffic.generate.pace import Stage
    from perfectcv_traffic.generate.replay import Recording
    from perfectcv_traffic.generate.run import Run
    from perfectcv_traffic.generate.session import Session

SURPRISE = "surprise"
"""What traffic can fail on."""
COMMON_SCENARIOS = ("valid", "no_token", "invalid_token", "null_query", "null_body", "null_field")
"""What a short run is made of: with every scenario it would reach few places of each."""


def stages(text: str | None) -> tuple[Stage, ...]:
    """The stages of an open loop; none if none were said."""
    from perfectcv_traffic.generate.pace import parse_stages

    return parse_stages(text) if text is not None else ()


def weighted(scenarios: list[str] | None) -> tuple[tuple[str, ...], dict[str, int]]:
    """Names of scenarios, and the weights of those that were given one."""
    pairs = [one.partition("=") for one in scenarios or ()]
    for name, equals, weight in pairs:
        if equals and not weight.isdecimal():
            raise UsageError(f"--scenario {name}={weight}: the weight must be a whole number")
    weights = {name: int(weight) for name, equals, weight in pairs if equals}
    return tuple(name for name, _, _ in pairs), weights


def load(job: Job, files: tuple[tuple[str, Path | None], ...], choice: str | None) -> int:
    """Send traffic as `generate` was told; the exit code."""
    from perfectcv_traffic.cli.output import tell
    from perfectcv_traffic.render.sent import FORMATS
    from perfectcv_traffic.render.traffic import latency_table

    unknown = sorted({kind for kind, _ in files} - FORMATS.keys() - {"text"})
    if unknown:
        raise UsageError(f"--format {unknown[0]}: for traffic choose text, {', '.join(FORMATS)}")
    started = to_the_second(datetime.now(UTC))
    shows = ("text", None) in files
    run = send(
        job.target, job.options, job.credentials, job.db, recording=job.recording, shows=shows
    )
    if job.recording is not None:
        tell_left_out(run.left_out)
    if shows:
        results().print(latency_table(run))
    keep(run, job.db)
    job.run_ids.append(run.run_id)
    for kind, path in files:
        if kind != "text":
            tell(FORMATS[kind](run, started), path)
    exit_unless_complete(run)
    return int(choice == SURPRISE and bool(run.surprises))


def send(
    target: str,
    options: Options,
    credentials: Credentials,
    db: Path,
    *,
    recording: Recording | None = None,
    shows: bool = True,
) -> Run:
    """Send test traffic that could be kept in the database, and show it per scenario."""
    from perfectcv_traffic.generate.run import generate
    from perfectcv_traffic.render.traffic import scenario_table
    from perfectcv_traffic.store import database

    database.require_usable(db)  # or that is said before anything is sent
    with live("sending", options.requests, seconds=options.seconds) as follow:
        run = generate(
            target, options, credentials=credentials, recording=recording, on_outcome=follow
        )
    if shows:
        results().print(scenario_table(run))
    if not run.is_complete:
        note(f"interrupted after {run.sent} of {run.planned} requests")
    return run


def keep(run: Run, db: Path) -> None:
    """Keep what was sent in the database."""
    from perfectcv_traffic.store import database, queries

    with database.writing(db) as connection:
        queries.store_generated(connection, rows_of(run))


def rows_of(session: Session) -> Iterator[tuple[object, ...]]:
    """Rows of `generated_requests`."""
    run_id = session.run_id
    for request_id in session.setup_ids:
        yield (run_id, request_id, "setup", None, None, None, None, None, None, None)
    for one in session.outcomes:
        yield (
            run_id, one.request_id, one.scenario, one.method, one.path, one.expected,
            one.status, one.as_expected, one.error, round(one.seconds * 1000, 3),
        )  # fmt: skip


def exit_unless_complete(run: Run) -> None:
    """End with the exit code of an interruption if Ctrl-C cut the run short.

    Raises `TargetError` if no request was answered.
    """
    if not run.is_complete:
        raise KeyboardInterrupt
    if run.outcomes and all(one.status is None for one in run.outcomes):
        raise no_answer(run)


def no_answer(session: Session) -> TargetError:
    """Not one request was answered, and the last one tells why."""
    why = session.outcomes[-1].error
    return TargetError(f"{session.target} gave no answer ({why}): is the API running?")


def require_fail_on(choice: str | None) -> None:
    """Refuse what traffic cannot fail on, before any is sent: it has no severities."""
    if choice not in (SURPRISE, "never", None):
        raise UsageError(f"--fail-on {choice!r}: for traffic choose 'surprise' or 'never'")


def fail_on(choice: str, run: Run) -> None:
    """End with exit code 1 if the run surprised and that was asked for."""
    if choice == SURPRISE and run.surprises:
        raise typer.Exit(ExitCode.FINDINGS)
