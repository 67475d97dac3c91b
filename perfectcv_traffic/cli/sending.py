"""Sending test traffic with a progress bar, and keeping what was sent: for `generate` and `run`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfectcv_traffic.cli.job import Job
from perfectcv_traffic.cli.live import live
from perfectcv_traffic.cli.options import option, typed_option
from perfectcv_traffic.cli.replaying import tell_left_out
from perfectcv_traffic.cli.terminal import note, results
from perfectcv_traffic.errors import ExitCode, TargetError, UsageError
from perfectcv_traffic.generate import defaults

if TYPE_CHECKING:
    from perfectcv_traffic.generate.credentials import Credentials
    from perfectcv_traffic.generate.options import Options
    from perfectcv_traffic.generate.pace import Stage
    from perfectcv_traffic.generate.replay import Recording
    from perfectcv_traffic.generate.run import Run
    from perfectcv_traffic.generate.session import Session

PACE = "How fast"
SAFETY = "What may be called"
TRAFFIC = "Traffic instead of probes"

Requests = Annotated[
    int | None, option("--requests", help="Requests to send.", panel=TRAFFIC, min=1)
]
Duration = Annotated[
    float | None, option("--duration", help="Seconds to send for.", panel=TRAFFIC, min=0.001)
]
Stages = Annotated[
    str | None,
    option("--stages", help="Seconds and rates in turn: 10s@5,30s@50.", panel=TRAFFIC),
]
Rate = Annotated[
    float | None,
    option(
        "--rate",
        help="Requests a second; in traffic sent when due, answered or not.",
        panel=PACE,
        min=0.001,
    ),
]
Delay = Annotated[float, option("--delay", help="Seconds between two requests.", panel=PACE, min=0)]
Concurrency = Annotated[
    int,
    option(
        "--concurrency",
        help="Requests under way at once.",
        panel=PACE,
        min=1,
        max=defaults.MAX_CONCURRENCY,
    ),
]
Seed = Annotated[int, option("--seed", help="The same seed sends the same requests.", panel=PACE)]
Timeout = Annotated[
    float, option("--timeout", help="Seconds to wait for an answer.", panel=PACE, min=0.001)
]
Scenarios = Annotated[
    list[str] | None,
    option(
        "--scenario",
        help="Only this scenario, also as NAME=WEIGHT; repeatable.",
        panel=TRAFFIC,
        of="generate",
    ),
]
Targets = Annotated[
    Path | None,
    option(
        "--targets",
        help="Send the requests of this file: JSON lines in vegeta's shape.",
        panel=TRAFFIC,
        dir_okay=False,
    ),
]
FromLog = Annotated[
    Path | None,
    option(
        "--from-log",
        help="Send the requests that this traffic log has recorded.",
        panel=TRAFFIC,
        dir_okay=False,
    ),
]
AllowWrites = Annotated[
    bool, typed_option("--allow-writes", help="Send POST, PUT and PATCH too.", panel=SAFETY)
]
AllowDeletes = Annotated[
    bool, typed_option("--allow-deletes", help="Send DELETE too.", panel=SAFETY)
]
AllowHosts = Annotated[
    list[str] | None,
    typed_option(
        "--allow-host",
        help="A host beyond this machine that may be sent to; repeatable.",
        panel=SAFETY,
    ),
]
Methods = Annotated[
    list[str] | None, option("--methods", help="Only this method; may be repeated.", panel=SAFETY)
]
ReadOnly = Annotated[
    list[str] | None,
    typed_option(
        "--read-only", help="Writes like this pattern only read; repeatable.", panel=SAFETY
    ),
]
DeleteExisting = Annotated[
    bool,
    typed_option("--delete-existing", help="Delete what the run did not create too.", panel=SAFETY),
]
Include = Annotated[
    list[str] | None,
    option("--include", help="Only operations like this pattern; repeatable.", panel=SAFETY),
]
Exclude = Annotated[
    list[str] | None,
    option("--exclude", help="No operations like this pattern; repeatable.", panel=SAFETY),
]
IncludeRisky = Annotated[
    list[str] | None,
    typed_option(
        "--include-risky", help="Risky operations like this pattern too; repeatable.", panel=SAFETY
    ),
]

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
    from perfectcv_traffic.cli.files import tell
    from perfectcv_traffic.render.sent import FORMATS
    from perfectcv_traffic.render.traffic import latency_table

    unknown = sorted({kind for kind, _ in files} - FORMATS.keys() - {"text"})
    if unknown:
        raise UsageError(f"--format {unknown[0]}: for traffic choose text, {', '.join(FORMATS)}")
    started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    shows = ("text", None) in files
    run = send(
        job.target, job.options, job.credentials, job.db, recording=job.recording, shows=shows
    )
    if job.recording is not None:
        tell_left_out(run.left_out)
    if shows:
        results().print(latency_table(run))
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
    """Send test traffic, show it per scenario, keep what was sent in the database."""
    from perfectcv_traffic.generate.run import generate
    from perfectcv_traffic.render.traffic import scenario_table
    from perfectcv_traffic.store import database, queries

    database.require_usable(db)  # or that is said before anything is sent
    with live("sending", options.requests, seconds=options.seconds) as follow:
        run = generate(
            target, options, credentials=credentials, recording=recording, on_outcome=follow
        )
    with database.writing(db) as connection:
        queries.store_generated(connection, rows_of(run))
    if shows:
        results().print(scenario_table(run))
    if not run.is_complete:
        note(f"interrupted after {run.sent} of {run.planned} requests")
    return run


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


FailOn = Annotated[
    str,
    option("--fail-on", help="Exit 1 on 'surprise' (an unexpected answer), or 'never'.", of="run"),
]


def require_fail_on(choice: str | None) -> None:
    """Refuse what traffic cannot fail on, before any is sent: it has no severities."""
    if choice not in (SURPRISE, "never", None):
        raise UsageError(f"--fail-on {choice!r}: for traffic choose 'surprise' or 'never'")


def fail_on(choice: str, run: Run) -> None:
    """End with exit code 1 if the run surprised and that was asked for."""
    if choice == SURPRISE and run.surprises:
        raise typer.Exit(ExitCode.FINDINGS)
