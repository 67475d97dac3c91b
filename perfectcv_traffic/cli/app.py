"""The program: its commands, and where an error becomes one line and an exit code."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated

import typer
from typer.main import get_command

from perfectcv_traffic.cli import defect, output, replacements
from perfectcv_traffic.cli.grouped import GroupedCommand
from perfectcv_traffic.cli.terminal import note
from perfectcv_traffic.errors import ExitCode, TrafficError

PROGRAM = "perfectcv-traffic"

COMMANDS = (
    "run", "generate", "explain", "ingest", "analyze", "report", "watch", "check", "show", "export",
    "query", "doctor", "backup", "prune", "merge", "demo",
)  # fmt: skip
"""Each is a function of its name in the module of its name, in `cli/commands/`."""


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # every other command starts sooner without

        typer.echo(f"{PROGRAM} {version(PROGRAM)}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Record, provoke, store and understand the HTTP traffic of a FastAPI service."""


def program(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The program with some of its commands: the modules of the others are not loaded."""
    app = typer.Typer(
        name=PROGRAM,
        help="Record, provoke, store and understand the HTTP traffic of a FastAPI service.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_options)
    for name in names:
        module = importlib.import_module(f"perfectcv_traffic.cli.commands.{name}")
        app.command(cls=GroupedCommand)(getattr(module, name))
    return app


def _code_of(ended: SystemExit, words: Sequence[str]) -> int:
    """What Typer ends with; it says 1 when nobody reads its help on, which is no finding."""
    is_text = not words or not {"--help", "--version"}.isdisjoint(words)
    if is_text and isinstance(ended.__context__, BrokenPipeError):
        output.let_go()
        return ExitCode.OK
    return ended.code if isinstance(ended.code, int) else ExitCode.OK


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    replacements.for_programs()
    first = (sys.argv[1:] if arguments is None else arguments)[:1]
    names = first if first and first[0] in COMMANDS else COMMANDS
    code: int = ExitCode.OK
    try:
        get_command(program(names)).main(args=arguments and list(arguments), prog_name=PROGRAM)
    except SystemExit as ended:  # Typer ends a command so, an interrupted one too
        code = _code_of(ended, sys.argv[1:] if arguments is None else arguments)
    except TrafficError as error:
        note(f"{PROGRAM}: {error}")
        return error.exit_code
    except OSError as error:
        note(f"{PROGRAM}: {error.filename or 'a file'} cannot be used: {error.strerror}")
        return ExitCode.STORAGE
    except Exception as error:
        return defect.tell(error)
    if code == ExitCode.INTERRUPTED:
        note(f"{PROGRAM}: interrupted")
    return code
