"""What `watch` shows: the last minutes as a page that fits its terminal, or as one line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import pandas as pd
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.segment import Segment
from rich.text import Text

from perfectcv_traffic.analysis.catalogue import ANALYSES
from perfectcv_traffic.render.columns import count, duration, percent
from perfectcv_traffic.render.tables import table
from perfectcv_traffic.render.text import chosen, width

SHOWN = ("findings", "top_endpoints", "status_classes", "token_validity")
"""Below the line of figures, as far as the terminal is high; what is below is cut off."""
NEEDED = ("totals", "durations", *SHOWN)
"""Analyses that are shown or are in the line."""
_BETWEEN = "  "


class Look(NamedTuple):
    """The answers over the last minutes, as of now."""

    results: Mapping[str, pd.DataFrame]
    now: datetime
    """In UTC."""
    window: timedelta
    filters: Mapping[str, str] = {}


def line(look: Look) -> str:
    """The figures of the window in one line."""
    return _BETWEEN.join(_figures(look))


def _figures(look: Look) -> Iterator[str]:
    totals, times = look.results["totals"].iloc[0], look.results["durations"].iloc[0]
    findings = len(look.results["findings"])
    yield f"{look.now:%H:%M:%S} UTC"
    yield f"last {_length(look.window)}:"
    yield f"{totals['requests'] / look.window.total_seconds():.2f} requests/s"
    yield f"5xx {_share(totals['server_error_rate'])}"
    yield f"p50 {_time(times['p50_ms'])}"
    yield f"p95 {_time(times['p95_ms'])}"
    yield f"token {count(totals['with_token'])} with, {count(totals['without_token'])} without"
    if unknown := totals["token_not_recorded"]:
        yield f"{count(unknown)} not recorded"
    yield f"{count(findings)} finding{'' if findings == 1 else 's'}"


def _length(window: timedelta) -> str:
    """A length of time as people give it: 5m."""
    seconds = window.total_seconds()
    units = ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))
    size, unit = next(one for one in units if seconds % one[0] == 0 or one[0] == 1)
    return f"{seconds / size:g}{unit}"


def filled(parts: Iterable[str], columns: int) -> list[str]:
    """Parts on as many lines as they need, none torn apart that fits on one."""
    lines: list[str] = []
    for part in parts:
        if lines and width(longer := lines[-1] + _BETWEEN + part) <= columns:
            lines[-1] = longer
        else:
            lines.append(part)
    return lines


class Page:
    """A view of the window, as much of it as the terminal has room for at that moment."""

    def __init__(self, look: Look) -> None:
        self._figures = list(_figures(look))
        self._chosen = [Text(told)] if (told := chosen(look.filters)) else []
        by_name = {analysis.name: analysis for analysis in ANALYSES}
        self._body = Group(*(table(by_name[name], look.results[name]) for name in SHOWN))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        head = (Text(one, style="bold") for one in filled(self._figures, options.max_width))
        page = Group(*head, *self._chosen, Text(), self._body)
        lines = console.render_lines(page, options.update(height=None), pad=False)
        for segments in lines[: max(options.size.height - 1, 1)]:
            yield from segments
            yield Segment.line()


def _share(share: float) -> str:
    return "–" if math.isnan(share) else percent(share)


def _time(milliseconds: float) -> str:
    return "–" if math.isnan(milliseconds) else duration(milliseconds)
