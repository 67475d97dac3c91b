"""`perfectcv-traffic generate`: send test traffic to an API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfectcv_traffic.cli import sending
from perfectcv_traffic.cli.options import DEFAULTS, Db, option

Target = Annotated[str, typer.Argument(help="Base URL of the API.")]
OpenApi = Annotated[
    str | None,
    option("--openapi", help="File or URL of the OpenAPI document; else it is looked for."),
]


def generate(
    target: Target = "http://127.0.0.1:8000",
    requests: sending.Requests = 200,
    delay: sending.Delay = 0.0,
    concurrency: sending.Concurrency = 4,
    seed: sending.Seed = 0,
    timeout: sending.Timeout = 10.0,
    scenario: sending.Scenarios = None,
    allow_writes: sending.AllowWrites = False,
    allow_deletes: sending.AllowDeletes = False,
    allow_host: sending.AllowHosts = None,
    openapi: OpenApi = None,
    username: sending.Username = None,
    password_env: sending.PasswordEnv = None,
    token_env: sending.TokenEnv = None,
    api_key_env: sending.ApiKeyEnv = None,
    db: Db = Path(DEFAULTS.db),
    fail_on: sending.FailOn = "never",
) -> None:
    """Send requests without token, with a wrong one, with nulls, and valid ones to TARGET."""
    from perfectcv_traffic.generate.credentials import Credentials
    from perfectcv_traffic.generate.options import Options
    from perfectcv_traffic.generate.selection import Selection

    options = Options(
        requests=requests,
        delay=delay,
        concurrency=concurrency,
        seed=seed,
        timeout=timeout,
        scenarios=tuple(scenario or ()),
        selection=Selection(allow_writes=allow_writes, allow_deletes=allow_deletes),
        allow_hosts=tuple(allow_host or ()),
        openapi=openapi,
    )
    credentials = Credentials(
        username=username,
        password=sending.secret(password_env),
        token=sending.secret(token_env),
        api_key=sending.secret(api_key_env),
    )
    run = sending.send(target, options, credentials, db)
    sending.exit_unless_complete(run)
    sending.fail_on(fail_on, run)
