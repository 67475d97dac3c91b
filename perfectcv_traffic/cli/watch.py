"""`perfectcv-traffic watch`: the last minutes, over and over."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfectcv_traffic.analysis.filters import Filters
from perfectcv_traffic.cli import answers
from perfectcv_traffic.cli.filtering import filtered
from perfectcv_traffic.cli.moments import span, stamp
from perfectcv_traffic.cli.options import DEFAULTS, Db, option
from perfectcv_traffic.cli.reading import Source
from perfectcv_traffic.cli.terminal import results

if TYPE_CHECKING:
    from perfectcv_traffic.cli.answers import Answers

Logs = Annotated[list[Path] | None, typer.Argument(help="Logs to watch; else the database.")]
Window = Annotated[str, option("--window", help="How far back to look: 5m.")]
Interval = Annotated[float, option("--interval", help="Seconds between two looks.", min=0.1)]
Times = Annotated[int | None, option("--times", help="Looks before it ends; else until Ctrl-C.")]


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
    """Show the traffic of the last minutes until Ctrl-C; a line for each look if piped."""
    looks = _looks(Source(db, logs or (), filters), span(window), interval, times)
    with suppress(KeyboardInterrupt):
        (_redraw if results().is_terminal else _print)(looks, span(window))


def _looks(
    source: Source, window: timedelta, interval: float, times: int | None
) -> Iterator[tuple[datetime, Answers]]:
    """The answers over the window as it moves on."""
    from perfectcv_traffic.render.live import NEEDED

    for number in itertools.count(1):
        now = datetime.now(UTC)
        since = max(stamp(now - window), source.filters.since or "")
        chosen = replace(source, filters=replace(source.filters, since=since))
        yield now, answers.of(chosen, names=NEEDED)
        if number == times:
            return
        time.sleep(interval)


def _redraw(looks: Iterator[tuple[datetime, Answers]], window: timedelta) -> None:
    from rich.live import Live

    from perfectcv_traffic.render.live import Page

    with Live(console=results(), screen=True, auto_refresh=False) as live:
        for now, found in looks:
            live.update(Page(found, now=now, window=window), refresh=True)


def _print(looks: Iterator[tuple[datetime, Answers]], window: timedelta) -> None:
    from perfectcv_traffic.render.live import line

    for now, found in looks:
        typer.echo(line(found, now=now, window=window))
