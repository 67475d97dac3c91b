"""The two consoles of the program: results on stdout, progress and notes on stderr.

rich is loaded where something is shown with it: a command whose output is read by a program starts
sooner without.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from perfectcv_traffic.cli import replacements
from perfectcv_traffic.cli.output import shown
from perfectcv_traffic.cli.wrapping import wrapped

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 100
"""Columns when the output is not a terminal."""


def results() -> Console:
    """The console for results."""
    from perfectcv_traffic.cli.console import ResultConsole

    replacements.for_people()
    return ResultConsole(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)


def say(message: str, style: str = "") -> None:
    """Print a result that is one line, however long."""
    from rich.text import Text

    results().print(Text(message, style=style), soft_wrap=True)


def note(message: str) -> None:
    """Tell the person something that is no result; without rich, which a follower never loads.

    That nobody reads it, or that there is no room for it, must not end the work.
    """
    with suppress(OSError):
        print(wrapped(shown(message), sys.stderr), file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def progress(
    title: str, total: int | None, *, in_bytes: bool = False
) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr while in the context, if that is a terminal; gives its advance."""
    if not sys.stderr.isatty():
        yield lambda _count: None
        return
    from rich import progress as bars
    from rich.console import Console

    done = (bars.DownloadColumn(), bars.TransferSpeedColumn())
    columns = (
        bars.SpinnerColumn(), bars.TextColumn("{task.description}"), bars.BarColumn(),
        *(done if in_bytes else (bars.MofNCompleteColumn(),)), bars.TimeRemainingColumn(),
    )  # fmt: skip
    console = Console(stderr=True)
    with bars.Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(title, total=total)
        yield lambda count: bar.advance(task, count)
