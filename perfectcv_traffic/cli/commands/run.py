"""`perfectcv-traffic run`: serve, generate, ingest, analyze and report in one go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from perfectcv_traffic.cli import showing
from perfectcv_traffic.cli.generating import arguments, reconciling, secrets, sending
from perfectcv_traffic.cli.options import DEFAULTS, App, Db, Log, Output, Port, option
from perfectcv_traffic.cli.source import source
from perfectcv_traffic.cli.terminal import note
from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.generate import defaults
from perfectcv_traffic.sources import answers

if TYPE_CHECKING:
    from perfectcv_traffic.demo.process import Served
    from perfectcv_traffic.generate.credentials import Credentials

BaseUrl = Annotated[
    str | None, option("--base-url", help="Test a running API that records to --log.")
]
Requests = Annotated[int | None, option("--requests", help="Requests to send.", min=1)]
FailOn = Annotated[
    str,
    option("--fail-on", help="Exit 1 on 'surprise' (an unexpected answer), or 'never'.", of="run"),
]


def run(
    app: App = None,
    base_url: BaseUrl = None,
    port: Port = 0,
    requests: Requests = 400,
    delay: arguments.Delay = defaults.DELAY,
    concurrency: arguments.Concurrency = defaults.CONCURRENCY,
    seed: arguments.Seed = defaults.SEED,
    timeout: arguments.Timeout = defaults.TIMEOUT,
    allow_writes: arguments.AllowWrites = False,
    allow_deletes: arguments.AllowDeletes = False,
    allow_host: arguments.AllowHosts = None,
    username: arguments.Username = None,
    password_env: arguments.PasswordEnv = None,
    token_env: arguments.TokenEnv = None,
    api_key_env: arguments.ApiKeyEnvs = None,
    log: Log = Path(DEFAULTS.log),
    db: Db = Path(DEFAULTS.db),
    output: Output = Path(DEFAULTS.output),
    fail_on: FailOn = "never",
) -> None:
    """Do the whole job: serve, send, store, analyze, report.

    The demo API is served and sent test traffic. With --app another application is served instead,
    with --base-url none: a running API is used, which records to --log. An application that calls
    setup_monitoring itself is read from its own log.
    The demo API is in memory, so writes and deletes are always sent to it.
    """
    from perfectcv_traffic.generate.options import Options
    from perfectcv_traffic.generate.selection import Selection

    sending.require_fail_on(fail_on)
    is_demo = app is None and base_url is None
    options = Options(
        requests=requests,
        delay=delay,
        concurrency=concurrency,
        seed=seed,
        timeout=timeout,
        scenarios=sending.COMMON_SCENARIOS,
        selection=Selection(
            allow_writes=allow_writes or is_demo, allow_deletes=allow_deletes or is_demo
        ),
        allow_hosts=tuple(allow_host or ()),
    )
    credentials = _credentials(is_demo, username, password_env, token_env, api_key_env)
    output.mkdir(parents=True, exist_ok=True)
    with _target(app, base_url, log=log, port=port, output=output) as target:
        sent = sending.send(target.address, options, credentials, db)
    api = app or target.address
    reconciling.require_log(target.log, api)  # before there is a database that holds nothing
    sending.keep(sent, db)
    reconciling.store(target.log, db, [sent.run_id])
    sending.exit_unless_complete(sent)
    found = answers.of(source(db))
    showing.print_as(found, showing.TABLES)
    files = [*showing.write_charts(found, output), showing.write_json(found, output)]
    page = showing.write_report(found, output)
    showing.list_files([*files, page, db, target.log])
    showing.print_findings(found, page, sent)
    reconciling.tell_if_elsewhere(target.log, sent.run_id, api)
    showing.print_reconciliation(sent, db=db, log=target.log)
    sending.fail_on(fail_on, sent)


@contextmanager
def _target(
    app: str | None, base_url: str | None, *, log: Path, port: int, output: Path
) -> Iterator[Served]:
    from perfectcv_traffic.demo.process import Served, served

    if base_url is not None:
        if app is not None:
            raise UsageError(
                "--app and --base-url exclude each other: the API runs already, or not"
            )
        yield Served(base_url, log)
        return
    with served(app, log=log, port=port, output=output / "server_output.txt") as target:
        note(f"serving {app or 'the demo API'} on {target.address}")
        reconciling.tell_own_log(target.log, log)
        yield target


def _credentials(
    is_demo: bool,
    username: str | None,
    password_env: str | None,
    token_env: str | None,
    api_key_env: list[str] | None,
) -> Credentials:
    from perfectcv_traffic.demo import state as demo
    from perfectcv_traffic.generate.credentials import Credentials

    if is_demo:
        return Credentials(
            username=demo.DEMO_ADMIN_EMAIL,
            password=demo.DEMO_ADMIN_PASSWORD,
            api_key=demo.DEMO_API_KEY,
        )
    return secrets.credentials(
        username, api_keys=api_key_env or (), password=password_env, token=token_env
    )
