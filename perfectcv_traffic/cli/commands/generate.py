"""`perfectcv-traffic generate`: look for defects of an API, or send it traffic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfectcv_traffic.cli.generating import (
    arguments,
    finding,
    reconciling,
    replaying,
    search,
    secrets,
    sending,
)
from perfectcv_traffic.cli.generating.job import Job
from perfectcv_traffic.cli.options import DEFAULTS, App, Db, Log, option
from perfectcv_traffic.cli.terminal import note
from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.generate import defaults
from perfectcv_traffic.generate.probe import choices
from perfectcv_traffic.generate.probe.budget import RunLimits

if TYPE_CHECKING:
    from perfectcv_traffic.demo.process import Served

LIMITS = RunLimits()
DEFAULT_TARGET = "http://127.0.0.1:8000"
Target = Annotated[str, typer.Argument(help="Base URL of the API, or a file of targets.")]
OpenApi = Annotated[
    str | None,
    option(
        "--openapi",
        help="File or URL of the OpenAPI document; else it is looked for.",
        of="generate",
    ),
]
Reconcile = Annotated[
    bool, option("--reconcile", help="Ingest --log, then compare what was sent and recorded.")
]


def generate(
    target: Target = DEFAULT_TARGET,
    app: App = None,
    openapi: OpenApi = None,
    suite: arguments.Suite = None,
    only: arguments.Only = None,
    replay: arguments.Replay = None,
    thorough: arguments.Thorough = False,
    slow: arguments.Slow = choices.DEFAULT_SLOW_SECONDS,
    admin_path: arguments.AdminPath = choices.DEFAULT_ADMIN_PATH,
    dry_run: arguments.DryRun = False,
    targets: arguments.Targets = None,
    from_log: arguments.FromLog = None,
    requests: arguments.Requests = None,
    duration: arguments.Duration = None,
    stages: arguments.Stages = None,
    scenario: arguments.Scenarios = None,
    rate: arguments.Rate = None,
    delay: arguments.Delay = defaults.DELAY,
    concurrency: arguments.Concurrency = defaults.CONCURRENCY,
    timeout: arguments.Timeout = defaults.TIMEOUT,
    seed: arguments.Seed = defaults.SEED,
    methods: arguments.Methods = None,
    allow_writes: arguments.AllowWrites = False,
    allow_deletes: arguments.AllowDeletes = False,
    delete_existing: arguments.DeleteExisting = False,
    read_only: arguments.ReadOnly = None,
    include: arguments.Include = None,
    exclude: arguments.Exclude = None,
    include_risky: arguments.IncludeRisky = None,
    allow_host: arguments.AllowHosts = None,
    max_requests: arguments.MaxRequests = LIMITS.max_requests,
    max_seconds: arguments.MaxSeconds = LIMITS.max_seconds,
    max_findings: arguments.MaxFindings = None,
    stop_after: arguments.StopAfter = LIMITS.stop_after,
    token_env: arguments.TokenEnv = None,
    token_file: arguments.TokenFile = None,
    username: arguments.Username = None,
    password_env: arguments.PasswordEnv = None,
    login: arguments.LoginAt = None,
    login_field: arguments.LoginFields = None,
    token_pointer: arguments.TokenPointer = "/access_token",
    api_key_env: arguments.ApiKeyEnvs = None,
    low_token_env: arguments.LowTokenEnv = None,
    expired_token_env: arguments.ExpiredTokenEnv = None,
    jwt_secret_env: arguments.JwtSecretEnv = None,
    format: arguments.Formats = None,  # noqa: A002 - the option's name
    output: arguments.Outputs = None,
    baseline: arguments.Baseline = None,
    update_baseline: arguments.UpdateBaseline = False,
    fail_on: arguments.FailOn = None,
    reconcile: Reconcile = False,
    log: Log = Path(DEFAULTS.log),
    db: Db = Path(DEFAULTS.db),
) -> None:
    """Look for authentication holes and null crashes of an API.

    Each operation is called as the OpenAPI document says, then with wrong credentials and with
    nulls; whatever proves a defect is listed. With --requests, --duration or --stages it sends
    traffic instead: all scenarios mixed, counted and timed; with --targets or --from-log the
    requests of a file.
    """
    from perfectcv_traffic.generate.options import Options
    from perfectcv_traffic.generate.selection import Selection

    if targets is None and Path(target).is_file():
        target, targets = DEFAULT_TARGET, Path(target)
    _require_one(app, target, file=targets or from_log, dry_run=dry_run)
    is_traffic = any(one is not None for one in (requests, duration, stages, targets, from_log))
    # A duration, a file or the plan itself tells how many.
    is_told = any((duration, stages, targets, from_log, dry_run))
    suites = search.suites(suite, is_traffic=is_traffic)
    search.require_fail_on(fail_on, suites)
    names, weights = sending.weighted(scenario)
    options = Options(
        requests=requests or (None if is_told else defaults.REQUESTS),
        duration=duration,
        stages=sending.stages(stages),
        rate=rate,
        delay=delay,
        concurrency=concurrency,
        seed=seed,
        timeout=timeout,
        scenarios=names,
        weights=weights,
        selection=Selection(
            allow_writes=allow_writes,
            allow_deletes=allow_deletes,
            delete_existing=delete_existing,
            read_only=tuple(read_only or ()),
            methods=tuple(one.upper() for one in methods or ()),
            include=tuple(include or ()),
            exclude=tuple(exclude or ()),
            include_risky=tuple(include_risky or ()),
        ),
        allow_hosts=tuple(allow_host or ()),
        openapi=openapi,
    )
    credentials = secrets.credentials(
        username,
        token_file=token_file,
        api_keys=api_key_env or (),
        login=secrets.login(login, login_field or (), token_pointer),
        password=password_env,
        token=token_env,
        low_token=low_token_env,
        expired_token=expired_token_env,
        jwt_secret=jwt_secret_env,
    )
    wanted = search.Wanted(
        suites=suites - {search.LOAD},
        limits=RunLimits(
            max_requests=max_requests,
            max_seconds=max_seconds,
            stop_after=stop_after,
            max_findings=max_findings,
        ),
        is_thorough=thorough,
        slow=slow,
        admin_path=admin_path,
        only=tuple(one.upper() for one in only or ()),
        replay=replay,
        files=() if dry_run else search.files(format, output, suites),
        baseline=baseline,
        updates_baseline=update_baseline,
        fail_on=fail_on,
    )
    wanted.require_writable()
    with _served(app, target, log) as api:
        job = Job(api.address, options, credentials, db)
        if dry_run:
            shape, to = (format or [""])[0], output[0] if output else None
            finding.show_plan(job, wanted, shape=shape, to=to, is_traffic=search.LOAD in suites)
            return
        job.recording = replaying.recording(api.address, targets, from_log, credentials)
        code = _performed(job, wanted, is_traffic=search.LOAD in suites)
    if reconcile:
        code = (
            reconciling.reconcile(job, api.log, is_for_people=("text", None) in wanted.files)
            or code
        )
    else:
        reconciling.ingest_if_recorded(job, api.log)
    raise typer.Exit(code)


def _performed(job: Job, wanted: search.Wanted, *, is_traffic: bool) -> int:
    """The exit code of the search, of the traffic if that is worse."""
    found = finding.find(job, wanted) if wanted.suites else 0
    sent = sending.load(job, wanted.files, wanted.fail_on) if is_traffic else 0
    return sent or found


def _require_one(app: str | None, target: str, *, file: Path | None, dry_run: bool) -> None:
    """Refuse two things to test, and two plans."""
    if app is not None and target != DEFAULT_TARGET:
        raise UsageError("TARGET and --app exclude each other: the API runs already, or not")
    if dry_run and file is not None:
        raise UsageError(f"--dry-run plans what a document describes: {file} is a plan already")


@contextmanager
def _served(app: str | None, target: str, log: Path) -> Iterator[Served]:
    from perfectcv_traffic.demo.process import Served, served

    if app is None:
        yield Served(target, log)
        return
    with served(app, log=log, port=0, output=log.with_name("server_output.txt")) as api:
        note(f"serving {app} on {api.address}")
        reconciling.tell_own_log(api.log, log)
        yield api
