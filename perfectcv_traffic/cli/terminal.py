"""The two consoles of the program: results on stdout, progress and notes on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

PLAIN_WIDTH = 100
"""Columns when the output is not a terminal."""


def results() -> Console:
    """The console for results."""
    return Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)


def note(message: str) -> None:
    """Tell the person something that is no result."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(message))


@contextmanager
def progress(
    title: str, total: int | None, *, in_bytes: bool = False
) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr while in the context, if that is a terminal; gives its advance."""
    done = (DownloadColumn(), TransferSpeedColumn()) if in_bytes else (MofNCompleteColumn(),)
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), *done,
        TimeRemainingColumn(),
    )  # fmt: skip
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(title, total=total)
        yield lambda count: bar.advance(task, count)
