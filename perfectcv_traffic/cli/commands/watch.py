"""`perfectcv-traffic watch`: the last minutes, over and over."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfectcv_traffic.cli import interrupts, output, replacements
from perfectcv_traffic.cli.filtering import filtered
from perfectcv_traffic.cli.moments import span
from perfectcv_traffic.cli.options import DEFAULTS, Db, option
from perfectcv_traffic.cli.source import source
from perfectcv_traffic.cli.terminal import results
from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.fold.files import is_url
from perfectcv_traffic.sources import answers
from perfectcv_traffic.sources.filters import Filters
from perfectcv_traffic.timestamps import before, stamp

if TYPE_CHECKING:
    from perfectcv_traffic.render.live import Look
    from perfectcv_traffic.sources.answers import Answers
    from perfectcv_traffic.sources.source import Source

Logs = Annotated[list[str] | None, typer.Argument(help="Logs to watch; else the database.")]
Window = Annotated[str, option("--window", help="How far back to look: 5m.")]
Interval = Annotated[
    float, option("--interval", help="Seconds between two looks.", min=0.1, max=86_400)
]
Times = Annotated[
    int | None, option("--times", help="Looks before it ends; else until Ctrl-C.", min=1)
]


@filtered
def watch(
    logs: Logs = None,
    db: Db = Path(DEFAULTS.db),
    window: Window = "5m",
    interval: Interval = 2.0,
    times: Times = None,
    *,
    filters: Filters,
) -> None:
    """Show the traffic of the last minutes until Ctrl-C.

    When piped, a line for each look.
    """
    for log in filter(is_url, logs or ()):
        raise UsageError(
            f"log {log}: only files of this machine can be watched, analyze reads URLs"
        )
    length = span(window)
    if not length:
        raise UsageError(f"--window {window}: it must be longer than nothing")
    looks = _looks(source(db, logs, filters), length, interval, times)
    with suppress(KeyboardInterrupt), interrupts.noted() as is_interrupted:
        looks = itertools.takewhile(lambda _: not is_interrupted(), looks)
        (_redraw if sys.stdout.isatty() else _print)(looks)


def _looks(source: Source, window: timedelta, interval: float, times: int | None) -> Iterator[Look]:
    """The answers over the window as it moves on."""
    from perfectcv_traffic.render.live import Look

    answer = _of_logs(source) if source.logs else partial(_of_database, source)
    for number in itertools.count(1):
        now = datetime.now(UTC)
        found = answer(max(stamp(before(now, window)), source.filters.since or ""))
        yield Look(found, now, window, source.filters.describe())
        if number == times:
            return
        time.sleep(interval)


def _of_database(source: Source, since: str) -> Answers:
    """The answers from a time on; the index by time leads to the rows."""
    from perfectcv_traffic.render.live import NEEDED

    chosen = replace(source, filters=replace(source.filters, since=since))
    return answers.of(chosen, names=NEEDED)


def _of_logs(source: Source) -> Callable[[str], Answers]:
    """The answers from a time on, of logs of which each line is read once."""
    from perfectcv_traffic.analysis.catalogue import analyze
    from perfectcv_traffic.render.live import NEEDED
    from perfectcv_traffic.sources.contents import of_records
    from perfectcv_traffic.sources.window import LogWindow

    latest = LogWindow(list(map(Path, source.logs)), source.filters)

    def answer(since: str) -> Answers:
        records, rejected = latest.look(since)
        return analyze(of_records(records, rejected=rejected).frames(), NEEDED)

    return answer


def _redraw(looks: Iterator[Look]) -> None:
    from rich.live import Live

    from perfectcv_traffic.render.live import Page

    with Live(console=results(), screen=True, auto_refresh=False) as live:
        for look in looks:
            live.update(Page(look), refresh=True)


def _print(looks: Iterator[Look]) -> None:
    from perfectcv_traffic.render.live import line

    replacements.for_people()
    for look in looks:
        if not output.write_now(f"{line(look)}\n"):
            return
