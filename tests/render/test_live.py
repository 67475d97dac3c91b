from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from rich.console import Console

from perfectcv_traffic.render.live import Page, line

Results = dict[str, pd.DataFrame]

AT = datetime(2026, 11, 21, 22, 5, tzinfo=UTC)
WINDOW = timedelta(minutes=5)


def test_line_has_the_figures_of_the_window(ordinary: Results) -> None:
    requests = ordinary["totals"]["requests"].iloc[0]

    text = line(ordinary, now=AT, window=WINDOW)

    assert text.startswith(f"22:05:00  {requests / 300:.2f} requests/s  5xx ")
    assert text.endswith(f"{len(ordinary['findings'])} findings")


def test_line_of_nothing_has_no_figures(empty: Results) -> None:
    assert line(empty, now=AT, window=WINDOW).startswith(
        "22:05:00  0.00 requests/s  5xx –  p50 –  p95 –"
    )


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 60), (40, 5)])
def test_page_fits_the_terminal_and_nothing_in_it_acts(
    any_results: Results, width: int, height: int
) -> None:
    console = Console(width=width, height=height, force_terminal=True, color_system=None)

    with console.capture() as capture:
        console.print(Page(any_results, now=AT, window=WINDOW), end="")

    shown = capture.get()
    assert shown.count("\n") <= height
    assert "\x1b" not in shown.replace("\x1b[0m", "").replace("\x1b[1m", "").replace("\x1b[2m", "")
