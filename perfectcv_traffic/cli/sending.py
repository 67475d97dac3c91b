"""Sending test traffic with a progress bar, and keeping what was sent: for `generate` and `run`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfectcv_traffic.cli.job import Job
from perfectcv_traffic.cli.live import live
from perfectcv_traffic.cli.options import option
from perfectcv_traffic.cli.terminal import note, results
from perfectcv_traffic.errors import UsageError

if TYPE_CHECKING:
    from perfectcv_traffic.generate.credentials import Credentials
    from perfectcv_traffic.generate.options import Options
    from perfectcv_traffic.generate.outcome import Outcome
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


TokenFile = Annotated[
    Path | None, option("--token-file", help="File that holds a bearer token.", dir_okay=False)
]
LowTokenEnv = Annotated[
    str | None, option("--low-token-env", help="Variable with the token of a lower role.")
]
ExpiredTokenEnv = Annotated[
    str | None, option("--expired-token-env", help="Variable with a token that has expired.")
]
JwtSecretEnv = Annotated[
    str | None,
    option("--jwt-secret-env", help="Variable with the API's JWT secret: makes an expired token."),
]
Methods = Annotated[
    list[str] | None, option("--methods", help="Only this method; may be repeated.")
]
Include = Annotated[
    list[str] | None, option("--include", help="Only operations like this pattern; repeatable.")
]
Exclude = Annotated[
    list[str] | None, option("--exclude", help="No operations like this pattern; repeatable.")
]
IncludeRisky = Annotated[
    list[str] | None,
    option("--include-risky", help="Risky operations like this pattern too; repeatable."),
]

DEFAULT_REQUESTS = 200
COMMON_SCENARIOS = ("valid", "no_token", "invalid_token", "null_query", "null_body", "null_field")
"""What a short run is made of: with every scenario it would reach few places of each."""


def secret(variable: str | None) -> str | None:
    """The secret in an environment variable: on the command line everyone could read it."""
    if variable is None:
        return None
    if not os.environ.get(variable):
        raise UsageError(f"environment variable {variable} is not set: put the secret into it")
    return os.environ[variable]


def credentials(
    username: str | None, *, token_file: Path | None = None, **variables: str | None
) -> Credentials:
    """The secrets in the environment variables named for them, and in a file."""
    from perfectcv_traffic.generate.credentials import Credentials

    given = {name: one for name, one in variables.items() if one is not None}
    found: dict[str, Any] = {name: secret(one) for name, one in given.items()}
    if token_file is not None:
        found["token"] = _first_line(token_file)
    return Credentials(username=username, variables=given, **found)


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--token-file {path} cannot be read: name a file with a token") from error


def load(job: Job, choice: str | None) -> int:
    """Send traffic as `generate` was told; the exit code."""
    from perfectcv_traffic.render.traffic import latency_table

    run = send(job.target, job.options, job.credentials, job.db)
    results().print(latency_table(run))
    job.run_ids.append(run.run_id)
    exit_unless_complete(run)
    return int(choice == "surprise" and bool(run.surprises))


def send(target: str, options: Options, credentials: Credentials, db: Path) -> Run:
    """Send test traffic, show it per scenario, keep what was sent in the database."""
    from perfectcv_traffic.generate.run import generate
    from perfectcv_traffic.render.traffic import scenario_table
    from perfectcv_traffic.store import database, queries

    with database.writing(db):
        pass  # a database that cannot be used is said before anything is sent
    with live("sending", total=options.requests) as follow:
        run = generate(target, options, credentials=credentials, on_outcome=follow)
    with database.writing(db) as connection:
        sent = rows_of(run.run_id, run.setup_ids, run.outcomes)
        queries.store_generated(connection, sent)
    results().print(scenario_table(run))
    if not run.is_complete:
        note(f"interrupted after {run.sent} of {run.planned} requests")
    return run


def rows_of(
    run_id: str, setup_ids: Iterable[str], outcomes: Iterable[Outcome]
) -> Iterator[tuple[object, ...]]:
    """Rows of `generated_requests`."""
    for request_id in setup_ids:
        yield (run_id, request_id, "setup", None, None, None, None, None, None, None)
    for one in outcomes:
        yield (
            run_id, one.request_id, one.scenario, one.method, one.path, one.expected,
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
