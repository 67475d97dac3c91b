"""The program: its commands, and the one place where errors become a line and an exit code."""

from __future__ import annotations

import importlib.metadata
import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.main import get_command

from perfectcv_traffic.cli import (
    analyze,
    check,
    demo,
    doctor,
    explain,
    export,
    generate,
    ingest,
    merge,
    prune,
    query,
    report,
    run,
    show,
    watch,
)
from perfectcv_traffic.cli.grouped import GroupedCommand
from perfectcv_traffic.cli.terminal import note
from perfectcv_traffic.errors import ExitCode, TrafficError

PROGRAM = "perfectcv-traffic"

app = typer.Typer(
    name=PROGRAM,
    help="Record, provoke, store and understand the HTTP traffic of a FastAPI service.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
COMMANDS = (
    run.run,
    generate.generate,
    explain.explain,
    ingest.ingest,
    analyze.analyze,
    report.report,
    watch.watch,
    check.check,
    show.show,
    export.export,
    query.query,
    doctor.doctor,
    doctor.backup,
    prune.prune,
    merge.merge,
    demo.demo,
)
for command in COMMANDS:
    app.command(cls=GroupedCommand)(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{PROGRAM} {importlib.metadata.version(PROGRAM)}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Record, provoke, store and understand the HTTP traffic of a FastAPI service."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    # No linear algebra here; and only a process of one thread can be forked to read logs.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # an old Windows code page cannot write every path
            stream.reconfigure(errors="backslashreplace")
    code: int = ExitCode.OK
    try:
        get_command(app).main(args=arguments and list(arguments), prog_name=PROGRAM)
    except SystemExit as ended:  # Typer ends a command so, an interrupted one too
        code = ended.code if isinstance(ended.code, int) else ExitCode.OK
    except TrafficError as error:
        note(f"{PROGRAM}: {error}")
        return error.exit_code
    except OSError as error:
        note(f"{PROGRAM}: {error.filename or 'a file'} cannot be used: {error.strerror}")
        return ExitCode.STORAGE
    if code == ExitCode.INTERRUPTED:
        note(f"{PROGRAM}: interrupted")
    return code
