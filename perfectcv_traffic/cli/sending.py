"""Sending test traffic with a progress bar, and keeping what was sent: for `generate` and `run`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfectcv_traffic.cli.options import option
from perfectcv_traffic.cli.terminal import note, progress, results
from perfectcv_traffic.errors import UsageError

if TYPE_CHECKING:
    from perfectcv_traffic.generate.credentials import Credentials
    from perfectcv_traffic.generate.options import Options
    from perfectcv_traffic.generate.run import Run

Requests = Annotated[int, option("--requests", help="Requests to send.", min=1)]
Delay = Annotated[float, option("--delay", help="Seconds between two requests.", min=0)]
Concurrency = Annotated[
    int, option("--concurrency", help="Requests under way at once.", min=1, max=1000)
]
Seed = Annotated[int, option("--seed", help="The same seed sends the same requests.")]
Timeout = Annotated[float, option("--timeout", help="Seconds to wait for an answer.", min=0.001)]
Scenarios = Annotated[
    list[str] | None, option("--scenario", help="Only this scenario; may be repeated.")
]
AllowWrites = Annotated[bool, option("--allow-writes", help="Send POST, PUT and PATCH too.")]
AllowDeletes = Annotated[bool, option("--allow-deletes", help="Send DELETE too.")]
AllowHosts = Annotated[
    list[str] | None,
    option("--allow-host", help="A host beyond this machine that may be sent to; repeatable."),
]
Username = Annotated[str | None, option("--username", help="User to log in at the tokenUrl.")]
PasswordEnv = Annotated[
    str | None, option("--password-env", help="Environment variable that holds the password.")
]
TokenEnv = Annotated[
    str | None, option("--token-env", help="Environment variable that holds a bearer token.")
]
ApiKeyEnv = Annotated[
    str | None, option("--api-key-env", help="Environment variable that holds an API key.")
]


def secret(variable: str | None) -> str | None:
    """The secret in an environment variable: on the command line everyone could read it."""
    if variable is None:
        return None
    if not os.environ.get(variable):
        raise UsageError(f"environment variable {variable} is not set: put the secret into it")
    return os.environ[variable]


def send(target: str, options: Options, credentials: Credentials, db: Path) -> Run:
    """Send test traffic, show it per scenario, keep what was sent in the database."""
    from perfectcv_traffic.generate.run import generate
    from perfectcv_traffic.render.traffic import scenario_table
    from perfectcv_traffic.store import database, queries

    with database.writing(db):
        pass  # a database that cannot be used is said before anything is sent
    with progress("sending", total=options.requests) as advance:
        run = generate(
            target, options, credentials=credentials, on_outcome=lambda _outcome: advance(1)
        )
    with database.writing(db) as connection:
        queries.store_generated(connection, _rows(run))
    results().print(scenario_table(run))
    if not run.is_complete:
        note(f"interrupted after {run.sent} of {run.planned} requests")
    return run


def _rows(run: Run) -> Iterator[tuple[object, ...]]:
    """Rows of `generated_requests`."""
    for request_id in run.setup_ids:
        yield (run.run_id, request_id, "setup", None, None, None, None, None, None, None)
    for one in run.outcomes:
        yield (
            run.run_id, one.request_id, one.scenario, one.method, one.path, one.expected,
            one.status, one.as_expected, one.error, round(one.seconds * 1000, 3),
        )  # fmt: skip


def exit_unless_complete(run: Run) -> None:
    """End with the exit code of an interruption if Ctrl-C cut the run short."""
    if not run.is_complete:
        raise KeyboardInterrupt


FailOn = Annotated[
    str, option("--fail-on", help="Exit 1 on 'surprise' (an unexpected answer), or 'never'.")
]


def fail_on(choice: str, run: Run) -> None:
    """End with exit code 1 if the run surprised and that was asked for."""
    if choice not in ("surprise", "never"):
        raise UsageError(f"--fail-on {choice!r}: choose 'surprise' or 'never'")
    if choice == "surprise" and run.surprises:
        raise typer.Exit(1)
