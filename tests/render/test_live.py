from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from rich.console import Console

from perfectcv_traffic.render.live import Look, Page, filled, line

Results = dict[str, pd.DataFrame]

AT = datetime(2026, 11, 21, 22, 5, tzinfo=UTC)
WINDOW = timedelta(minutes=5)


def test_line_has_the_figures_of_the_window(ordinary: Results) -> None:
    requests = ordinary["totals"]["requests"].iloc[0]

    text = line(Look(ordinary, AT, WINDOW))

    start = f"22:05:00 UTC  last 5m:  {requests / 300:.2f} requests/s  5xx "
    assert text.startswith(start)
    assert f"{ordinary['totals']['token_not_recorded'].iloc[0]:,} not recorded" in text
    assert text.endswith(f"{len(ordinary['findings'])} findings")


@pytest.mark.parametrize(
    ("window", "told"),
    [
        (timedelta(seconds=90), "last 90s:"),
        (timedelta(days=7), "last 7d:"),
        (timedelta(milliseconds=500), "last 0.5s:"),
    ],
)
def test_window_is_told_as_people_give_it(empty: Results, window: timedelta, told: str) -> None:
    assert told in line(Look(empty, AT, window))


def test_line_of_nothing_has_no_figures(empty: Results) -> None:
    assert "  0.00 requests/s  5xx –  p50 –  p95 –" in line(Look(empty, AT, WINDOW))


def test_figures_take_as_many_lines_as_they_need() -> None:
    assert filled(["ab", "cd", "efgh", "i"], 6) == ["ab  cd", "efgh", "i"]
    assert filled(["much too long", "i"], 6) == ["much too long", "i"]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 60), (40, 5)])
def test_page_fits_the_terminal_and_nothing_in_it_acts(
    any_results: Results, width: int, height: int
) -> None:
    console = Console(width=width, height=height, force_terminal=True, color_system=None)

    with console.capture() as capture:
        console.print(Page(Look(any_results, AT, WINDOW, {"path": "/\x1b[31m*"})), end="")

    shown = capture.get()
    assert shown.count("\n") <= height
    assert "\x1b" not in shown.replace("\x1b[0m", "").replace("\x1b[1m", "").replace("\x1b[2m", "")
