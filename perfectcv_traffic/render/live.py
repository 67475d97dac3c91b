"""What `watch` shows: the last minutes as a page that fits its terminal, or as one line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

import pandas as pd
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.segment import Segment
from rich.text import Text

from perfectcv_traffic.analysis.catalogue import ANALYSES
from perfectcv_traffic.render.columns import duration, percent
from perfectcv_traffic.render.tables import table

Results = Mapping[str, pd.DataFrame]

SHOWN = ("findings", "top_endpoints", "status_classes", "token_validity")
"""Below the line of figures, as far as the terminal is high; what is below is cut off."""
NEEDED = ("totals", "durations", *SHOWN)
"""Analyses that are shown or are in the line."""


def line(results: Results, *, now: datetime, window: timedelta) -> str:
    """The figures of the window in one line."""
    totals, times = results["totals"].iloc[0], results["durations"].iloc[0]
    parts = [
        f"{now:%H:%M:%S}",
        f"{totals['requests'] / window.total_seconds():.2f} requests/s",
        f"5xx {_share(totals['server_error_rate'])}",
        f"p50 {_time(times['p50_ms'])}",
        f"p95 {_time(times['p95_ms'])}",
        f"token {totals['with_token']:,} with, {totals['without_token']:,} without",
        f"{len(results['findings'])} findings",
    ]
    return "  ".join(parts)


class Page:
    """A view of the window, as much of it as the terminal has room for at that moment."""

    def __init__(self, results: Results, *, now: datetime, window: timedelta) -> None:
        self._head = Text(line(results, now=now, window=window), style="bold", no_wrap=True)
        by_name = {analysis.name: analysis for analysis in ANALYSES}
        self._body = Group(*(table(by_name[name], results[name]) for name in SHOWN))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._head
        yield Text()
        room = max(options.size.height - 3, 1)
        lines = console.render_lines(self._body, options.update(height=None), pad=False)
        for segments in lines[:room]:
            yield from segments
            yield Segment.line()


def _share(share: float) -> str:
    return "–" if math.isnan(share) else percent(share)


def _time(milliseconds: float) -> str:
    return "–" if math.isnan(milliseconds) else duration(milliseconds)
