"""The page in a real browser: accessible, sortable, harmless, and readable without its script."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from perfectcv_traffic.render.charts import draw
from perfectcv_traffic.render.html import render_report

Results = dict[str, pd.DataFrame]

MADE = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)


def _missing(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium: the system's, else playwright's own."""
    try:
        from playwright import sync_api
    except ImportError:
        _missing("playwright is not installed")
    found = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_api.sync_playwright() as playwright:
        try:
            launched = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except sync_api.Error as error:
            _missing(f"Chromium does not start: {error}")
        yield launched
        launched.close()


def _page(results: Results, directory: Path) -> str:
    images = {"top_endpoints": draw("top_endpoints", results)}
    page = render_report(results, images, generated_at=MADE, version="1", filters={"path": "/<b>*"})
    path = directory / "report.html"
    path.write_bytes(page.encode())
    return path.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_has_no_accessibility_violation(
    browser: Any, any_results: Results, tmp_path: Path, scheme: Any
) -> None:
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        _missing("axe-playwright-python is not installed")
    # axe is put into the page as a script, which the page's own policy would refuse.
    page = browser.new_page(color_scheme=scheme, bypass_csp=True)
    page.goto(_page(any_results, tmp_path))

    found = Axe().run(page)

    page.close()
    assert found.violations_count == 0, found.generate_report()


def test_nothing_recorded_runs_and_nothing_is_loaded(
    browser: Any, hostile: Results, tmp_path: Path
) -> None:
    page = browser.new_page()
    seen: list[str] = []
    page.on("dialog", lambda dialog: seen.append(dialog.message))
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("request", lambda request: seen.append(request.url.partition(":")[0]))

    page.goto(_page(hostile, tmp_path))

    assert set(seen) <= {"file", "data"}
    assert page.locator("script").count() == 1
    page.close()


def test_table_sorts_by_a_column_and_back(browser: Any, ordinary: Results, tmp_path: Path) -> None:
    page = browser.new_page()
    page.goto(_page(ordinary, tmp_path))
    table = page.locator("section[aria-labelledby=endpoint_durations] table")
    place = [*ordinary["endpoint_durations"].columns].index("max_ms") + 1
    head = table.locator(f"thead th:nth-child({place})")

    orders = []
    for _ in range(2):
        head.locator("button").click()
        cells = table.locator(f"tbody td:nth-child({place})").all()
        orders.append([float(cell.get_attribute("data-key")) for cell in cells])

    assert orders[0] == sorted(orders[0], reverse=True)
    assert orders[1] == sorted(orders[0])
    assert head.get_attribute("aria-sort") == "ascending"
    page.close()


def test_unknown_values_sort_last_in_either_direction(
    browser: Any, ordinary: Results, tmp_path: Path
) -> None:
    spots = ordinary["null_hot_spots"].head(1)
    several = pd.concat([spots.assign(lift=one) for one in (None, 2.0, 3.0)], ignore_index=True)
    page = browser.new_page()
    page.goto(_page({**ordinary, "null_hot_spots": several}, tmp_path))
    table = page.locator("section[aria-labelledby=null_hot_spots] table")
    place = [*several.columns].index("lift") + 1

    orders = []
    for _ in range(2):
        table.locator(f"thead th:nth-child({place}) button").click()
        orders.append(table.locator(f"tbody td:nth-child({place})").all_inner_texts())

    assert orders == [["3.00", "2.00", "–"], ["2.00", "3.00", "–"]]
    page.close()


def test_page_without_scripts_shows_everything(
    browser: Any, ordinary: Results, tmp_path: Path
) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(_page(ordinary, tmp_path))

    assert page.locator("thead button").count() == 0
    assert page.locator("h1").inner_text() == "API traffic report"
    page.close()
