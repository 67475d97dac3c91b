"""`perfectcv-traffic generate`: look for defects of an API, or send it traffic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from perfectcv_traffic.cli import finding, reconciling, sending
from perfectcv_traffic.cli.job import Job
from perfectcv_traffic.cli.options import DEFAULTS, Db, Log, option
from perfectcv_traffic.cli.terminal import note

Target = Annotated[str, typer.Argument(help="Base URL of the API.")]
OpenApi = Annotated[
    str | None,
    option("--openapi", help="File or URL of the OpenAPI document; else it is looked for."),
]
App = Annotated[
    str | None, option("--app", help="Serve and test this application (module:attribute).")
]
Requests = Annotated[
    int | None, option("--requests", help="Traffic mode: requests to send.", min=1)
]
Duration = Annotated[
    float | None, option("--duration", help="Traffic mode: seconds to send for.", min=0.001)
]
Rate = Annotated[
    float | None,
    option("--rate", help="Requests a second; in traffic mode an open loop.", min=0.001),
]
Reconcile = Annotated[
    bool, option("--reconcile", help="Ingest --log, then compare what was sent and recorded.")
]


def generate(
    target: Target = "http://127.0.0.1:8000",
    app: App = None,
    openapi: OpenApi = None,
    suite: finding.Suite = None,
    requests: Requests = None,
    duration: Duration = None,
    rate: Rate = None,
    delay: sending.Delay = 0.0,
    concurrency: sending.Concurrency = 4,
    seed: sending.Seed = 0,
    timeout: sending.Timeout = 10.0,
    scenario: sending.Scenarios = None,
    methods: sending.Methods = None,
    allow_writes: sending.AllowWrites = False,
    allow_deletes: sending.AllowDeletes = False,
    include: sending.Include = None,
    exclude: sending.Exclude = None,
    include_risky: sending.IncludeRisky = None,
    allow_host: sending.AllowHosts = None,
    max_requests: finding.MaxRequests = 2000,
    max_seconds: finding.MaxSeconds = 120.0,
    stop_after: finding.StopAfter = 20,
    thorough: finding.Thorough = False,
    slow: finding.Slow = 2.0,
    admin_path: finding.AdminPath = finding.DEFAULT_ADMIN_PATH,
    dry_run: finding.DryRun = False,
    username: sending.Username = None,
    password_env: sending.PasswordEnv = None,
    token_env: sending.TokenEnv = None,
    token_file: sending.TokenFile = None,
    api_key_env: sending.ApiKeyEnv = None,
    low_token_env: sending.LowTokenEnv = None,
    expired_token_env: sending.ExpiredTokenEnv = None,
    jwt_secret_env: sending.JwtSecretEnv = None,
    format: finding.Formats = None,  # noqa: A002 - the option's name
    output: finding.Outputs = None,
    baseline: finding.Baseline = None,
    update_baseline: finding.UpdateBaseline = False,
    reconcile: Reconcile = False,
    log: Log = Path(DEFAULTS.log),
    db: Db = Path(DEFAULTS.db),
    fail_on: finding.FailOn = None,
) -> None:
    """Look for authentication holes and null crashes of the API at TARGET.

    Each operation is called as the OpenAPI document says, then with wrong credentials and with
    nulls; whatever proves a defect is listed. With --requests or --duration it sends traffic
    instead: all scenarios mixed, counted and timed.
    """
    from perfectcv_traffic.generate.options import Options
    from perfectcv_traffic.generate.selection import Selection

    suites = finding.suites(suite, is_traffic=requests is not None or duration is not None)
    options = Options(
        requests=requests or (None if duration else sending.DEFAULT_REQUESTS),
        duration=duration,
        rate=rate,
        delay=delay,
        concurrency=concurrency,
        seed=seed,
        timeout=timeout,
        scenarios=tuple(scenario or ()),
        selection=Selection(
            allow_writes=allow_writes,
            allow_deletes=allow_deletes,
            methods=tuple(one.upper() for one in methods or ()),
            include=tuple(include or ()),
            exclude=tuple(exclude or ()),
            include_risky=tuple(include_risky or ()),
        ),
        allow_hosts=tuple(allow_host or ()),
        openapi=openapi,
    )
    credentials = sending.credentials(
        username,
        password=password_env,
        token=token_env,
        token_file=token_file,
        api_key=api_key_env,
        low_token=low_token_env,
        expired_token=expired_token_env,
        jwt_secret=jwt_secret_env,
    )
    wanted = finding.Wanted(
        suites=suites - {finding.LOAD},
        limits=(max_requests, max_seconds, stop_after),
        is_thorough=thorough,
        slow=slow,
        admin_path=admin_path,
        files=finding.files(format, output),
        baseline=baseline,
        updates_baseline=update_baseline,
        fail_on=fail_on,
    )
    if dry_run:
        finding.show_plan(target, options, credentials)
        return
    with _served(app, log) as address:
        job = Job(address or target, options, credentials, db)
        code = finding.find(job, wanted) if wanted.suites else 0
        code = (sending.load(job, fail_on) if finding.LOAD in suites else 0) or code
    if reconcile:
        code = reconciling.reconcile(job, log) or code
    raise typer.Exit(code)


@contextmanager
def _served(app: str | None, log: Path) -> Iterator[str | None]:
    if app is None:
        yield None
        return
    from perfectcv_traffic.demo.process import served

    with served(app, log=log, port=0, output=log.with_name("server_output.txt")) as address:
        note(f"serving {app} on {address}")
        yield address
