"""`perfectcv-traffic ingest`: log files into the database, once or for as long as they grow."""

from __future__ import annotations

import importlib
import operator
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from perfectcv_traffic.cli import output
from perfectcv_traffic.cli.options import DEFAULTS, Db, DocumentHosts, Json, option
from perfectcv_traffic.cli.stopping import Stop
from perfectcv_traffic.cli.terminal import note
from perfectcv_traffic.errors import ExitCode, UsageError
from perfectcv_traffic.log import routes
from perfectcv_traffic.log.formats import LogFormat
from perfectcv_traffic.log.routes import Find
from perfectcv_traffic.record import TrafficLog

Logs = Annotated[list[Path] | None, typer.Argument(help="Log files.", show_default=DEFAULTS.log)]
Follow = Annotated[bool, option("--follow", help="Go on storing what is written, until Ctrl-C.")]
Format = Annotated[
    str,
    option("--format", help=f"Format of the lines: auto, {', '.join(LogFormat)}.", of="ingest"),
]
Rotated = Annotated[
    str, option("--rotated", help="Rotated files from before the first ingest: none or all.")
]
Strict = Annotated[bool, option("--strict", help="Exit with 3 when a line was rejected.")]
Explain = Annotated[
    int, option("--explain", help="Show how the first N lines are read; store nothing.", min=0)
]
Poll = Annotated[
    float, option("--poll", help="Seconds between two looks at the log.", min=0.01, max=60)
]
WaitLock = Annotated[
    bool, option("--wait-lock", help="Wait while another ingester works on the database.")
]
Model = Annotated[
    str | None,
    option("--model", help="Record model of your own: module:Class, a subclass of TrafficLog."),
]
OpenApi = Annotated[
    str | None,
    option(
        "--openapi",
        help="OpenAPI document of the API (file or URL): names the routes.",
        of="ingest",
    ),
]
Group = Annotated[
    list[str] | None,
    option("--group", help="Pattern for routes: what its groups match varies, /users/([^/]+)."),
]
SummaryOnly = Annotated[
    bool,
    option(
        "--summary-only",
        help="Keep what requests add up to, and no requests: a small database to merge elsewhere.",
    ),
]
UntilStdinCloses = Annotated[
    bool,
    option(
        "--until-stdin-closes",
        help="Stop when standard input ends, look at the log at each line of it: for programs that"
        " start this.",
        of="ingest",
    ),
]


def ingest(
    logs: Logs = None,
    db: Db = Path(DEFAULTS.db),
    follow: Follow = False,
    log_format: Format = "auto",
    rotated: Rotated = "none",
    strict: Strict = False,
    explain: Explain = 0,
    poll: Poll = 0.2,
    wait_lock: WaitLock = False,
    model: Model = None,
    openapi: OpenApi = None,
    allow_host: DocumentHosts = None,
    group: Group = None,
    summary_only: SummaryOnly = False,
    until_stdin_closes: UntilStdinCloses = False,
    as_json: Json = False,
) -> None:
    """Store the lines of logs that are new, each exactly once.

    `ingest status` shows how far it is, `ingest retry-rejected` reads rejected lines again.
    """
    from perfectcv_traffic.store.ingest import Options

    files, chosen = logs or [Path(DEFAULTS.log)], _format(log_format)
    find_route = _routes(openapi, allow_host or [], group or [])
    _refuse_addresses(files)
    if action := _action(files):
        return action(db, chosen, as_json=as_json)
    if explain:
        return _explain(files, explain, chosen, find_route)
    options = Options(
        model=_model(model),
        log_format=chosen,
        find_route=find_route,
        with_rotated=_all_rotated(rotated),
        wait_for_lock=wait_lock,
        summary_only=summary_only,
        in_parallel=model is None and find_route is None,
        notice=note,
    )
    counts = (
        _follow(files, db, options, poll, until_stdin_closes=until_stdin_closes)
        if follow
        else _once(files, db, options)
    )
    _report(db, counts, as_json=as_json)
    if strict and counts.rejected:
        raise typer.Exit(ExitCode.STORAGE)
    return None


def _all_rotated(name: str) -> bool:
    if name not in ("none", "all"):
        raise UsageError(f"--rotated={name}: it is none or all")
    return name == "all"


def _model(name: str | None) -> type[TrafficLog]:
    """The class that `module:Class` names."""
    if name is None:
        return TrafficLog
    module, _, attribute = name.partition(":")
    sys.path.insert(0, str(Path.cwd()))  # as python -m does: the module is the project's own
    try:
        found = operator.attrgetter(attribute)(importlib.import_module(module))
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"--model={name} cannot be imported: {error}") from error
    if not (isinstance(found, type) and issubclass(found, TrafficLog)):
        raise UsageError(f"--model={name} is no subclass of TrafficLog")
    return found


def _routes(openapi: str | None, allow_hosts: list[str], groups: list[str]) -> Find | None:
    """How routes are found for logs that carry none; None for the built-in normaliser."""
    finds = []
    if openapi:
        finds.append(routes.by_templates(_templates(openapi, allow_hosts)))
    if groups:
        finds.append(routes.by_groups(groups))
    return routes.first_of(finds) if finds else None


def _templates(source: str, allow_hosts: list[str]) -> list[str]:
    from perfectcv_traffic.sources.openapi import document, flaws, templates

    read = document(source, allow_hosts)
    if found := flaws(read):
        note(f"{source}: {found}: paths name routes all the same")
    return templates(read)


def _refuse_addresses(files: list[Path]) -> None:
    for file in files:
        if re.match(r"(https?|s3|gs):", str(file)) and not file.exists():
            raise UsageError("ingest reads files, no addresses: fetch it, or say analyze ADDRESS")


def _action(files: list[Path]) -> Callable[..., None] | None:
    """What is asked for in place of a log, unless there is a file of that name."""
    if len(files) != 1 or files[0].exists():
        return None
    return {"status": _status, "retry-rejected": _retry}.get(str(files[0]))


def _status(db: Path, _format: LogFormat | None, *, as_json: bool) -> None:
    from perfectcv_traffic.store.status import status

    found = status(db)
    if as_json:
        output.write([msgspec.json.encode(found).decode() + "\n"])
        return
    for log in found.logs:
        behind = "" if log.behind_bytes is None else f", {log.behind_bytes} bytes behind"
        output.say_line(
            f"{log.path} ({log.generation}): {log.lines} lines, {log.stored} stored,"
            f" {log.duplicate} duplicate, {log.rejected} rejected{behind}"
        )
    for reason, count in found.rejected_by_reason.items():
        output.say_line(f"rejected, {reason}: {count}")


def _retry(db: Path, log_format: LogFormat | None, *, as_json: bool) -> None:
    from perfectcv_traffic.store.retry import retry_rejected

    retried = retry_rejected(db, log_format, notice=note)
    if as_json:
        output.write([msgspec.json.encode(retried._asdict()).decode() + "\n"])
    else:
        output.say_line(f"{retried.stored} stored now, {retried.still_rejected} still rejected")
    if retried.of_merged:
        note(
            f"{retried.of_merged} of them came with merged databases: retry them there, then merge"
            " again"
        )


def _format(name: str) -> LogFormat | None:
    if name == "auto":
        return None
    try:
        return LogFormat(name)
    except ValueError as error:
        known = ", ".join(LogFormat)
        raise UsageError(f"--format={name}: it is auto, {known}") from error


def _once(files: list[Path], db: Path, options: Any) -> Any:
    from perfectcv_traffic.cli import own_ingester
    from perfectcv_traffic.cli.terminal import progress
    from perfectcv_traffic.store import ingest as store

    size = sum(file.stat().st_size for file in files if file.is_file())
    with (
        own_ingester.told(files, db),
        progress("ingesting", total=size, in_bytes=True) as advance,
    ):
        return store.ingest(files, db, options=replace(options, progress=advance))


def _follow(
    files: list[Path], db: Path, options: Any, poll: float, *, until_stdin_closes: bool
) -> Any:
    from perfectcv_traffic.store.follow import follow

    stop = Stop()
    options = replace(options, is_stopping=stop.is_asked)
    if until_stdin_closes:
        stop.on_end_of_stdin()
        options = replace(options, give_way=stop.points)
        return follow(files, db, stop.wait, options=options, poll=poll)
    from perfectcv_traffic.cli import own_ingester

    stop.on_signals()
    with own_ingester.told(files, db):
        return follow(files, db, stop.wait, options=options, poll=poll)


def _report(db: Path, counts: Any, *, as_json: bool) -> None:
    if as_json:
        output.write([msgspec.json.encode(counts).decode() + "\n"])
        return
    torn = f" - {counts.salvaged} torn, both rejected and new" if counts.salvaged else ""
    note(
        f"{db}: {counts.new} new + {counts.duplicate} duplicate + {counts.rejected} rejected"
        f" + {counts.blank} blank{torn} = {counts.lines} lines"
    )
    if counts.rejected and not counts.new:
        note("no line could be read: perfectcv-traffic ingest --explain 3 LOG shows why")


def _explain(
    files: list[Path], count: int, chosen: LogFormat | None, find_route: Find | None
) -> None:
    from perfectcv_traffic.log.explain import explain

    for file in files:
        for line in explain(file, count, chosen, find_route):
            output.say_line(line)
