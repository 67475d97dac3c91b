from __future__ import annotations

import io
from collections.abc import Callable

import pandas as pd
import pytest
from rich.cells import cell_len
from rich.console import Console

from perfectcv_traffic.analysis.catalogue import ANALYSES
from perfectcv_traffic.render.markdown import document
from perfectcv_traffic.render.tables import NARROW, WIDE, tables

Results = dict[str, pd.DataFrame]


def _printed(results: Results, width: int = 80, *, wide: bool = False, colour: bool = False) -> str:
    stream = io.StringIO()
    console = Console(
        file=stream, width=width, force_terminal=colour, highlight=False, legacy_windows=False
    )
    console.print(tables(results, wide=wide))
    return stream.getvalue()


@pytest.mark.parametrize(("width", "wide"), [(80, False), (200, False), (WIDE, True), (200, True)])
def test_tables_fit_the_terminal(any_results: Results, width: int, wide: bool) -> None:
    printed = _printed(any_results, width, wide=wide)

    assert max(cell_len(line) for line in printed.splitlines()) <= width


@pytest.mark.parametrize("width", [30, 60, 100])
def test_tables_in_a_code_page_have_the_columns_that_there_is_room_for(
    ordinary: Results, width: int
) -> None:
    # There lines between columns are drawn: on Windows in whatever is redirected.
    stream = io.TextIOWrapper(io.BytesIO(), encoding="cp1252", errors="backslashreplace")
    console = Console(file=stream, width=width, highlight=False, legacy_windows=False)

    with console.capture() as shown:
        console.print(tables(ordinary))
    assert max(cell_len(line) for line in shown.get().splitlines()) <= width
    with console.capture() as shown:
        console.print(tables(ordinary, ["token_presence"]))
    assert ("no room for" in shown.get()) == (width == 30)


def test_numbers_are_never_cut_at_80_columns(long_names: Results) -> None:
    top = _printed(long_names).split("Top endpoints")[1].split("Durations")[0]

    for requests in long_names["top_endpoints"]["requests"]:
        assert f" {requests:,} " in top
    assert "…" in top
    for name in long_names["top_endpoints"]["endpoint"]:
        assert name[-8:] in top


def test_narrow_terminal_has_fewer_columns_never_cut_numbers(long_names: Results) -> None:
    printed = _printed(long_names, 40)
    top = printed.split("Top endpoints")[1].split("Durations")[0]

    assert max(cell_len(line) for line in printed.splitlines()) <= 40
    for name, requests in long_names["top_endpoints"][["endpoint", "requests"]].to_numpy():
        assert f"{requests:,} " in top
        assert name[:4] in top
    assert "no room for: " in top
    assert "p95, ms" in top  # as one of those that are left out


def test_tables_show_the_numbers_of_the_results(ordinary: Results) -> None:
    printed = _printed(ordinary)

    assert f"{ordinary['totals']['requests'].iloc[0]:,}" in printed
    assert "PT101 error" in printed
    assert "404 Not Found" in printed
    assert "with token" in printed


def test_hostile_text_cannot_act_on_the_terminal(hostile: Results) -> None:
    printed = _printed(hostile, 200, colour=True)

    assert r"/\x1b[31mred\x1b[0m\x07" in printed
    assert "/[bold red]x[/]" in printed
    assert r"/line\nbreak\ttab" in printed
    assert not {"\x07", "\u202e", "\u200b", "\ud800"} & set(printed)
    assert "\x1b[31m" not in printed


def test_wide_tables_show_every_column(ordinary: Results) -> None:
    narrow, wide = _printed(ordinary, 300), _printed(ordinary, 300, wide=True)

    assert narrow.count("Std") == 1
    assert wide.count("Std") == 2


def test_tables_name_only_the_asked_ones_in_their_usual_order(ordinary: Results) -> None:
    stream = io.StringIO()
    Console(file=stream, width=80).print(tables(ordinary, {"health", "totals"}))
    titles = [line for line in stream.getvalue().splitlines() if line and line[0] != " "]

    assert [title.strip() for title in titles] == ["Totals", "Recorder health"]


def test_long_tables_say_how_much_they_leave_out(long_names: Results) -> None:
    rows = len(long_names["endpoint_durations"])

    assert f"the first 24 of {rows}" in _printed(long_names)


def test_empty_tables_say_none(empty: Results) -> None:
    assert "none" in _printed(empty)


def test_narrow_columns_are_columns_of_their_analysis(ordinary: Results) -> None:
    names = {analysis.name for analysis in ANALYSES}

    assert set(NARROW) <= names
    for name, columns in NARROW.items():
        assert set(columns) <= set(ordinary[name].columns)


def test_tables_need_no_chart_library(modules_after: Callable[[str], set[str]]) -> None:
    assert not {"matplotlib", "jinja2"} & modules_after("perfectcv_traffic.render.tables")


def test_every_class_of_status_over_time_has_room_in_80_columns(ordinary: Results) -> None:
    console = Console(width=80, file=io.StringIO())

    with console.capture() as shown:
        console.print(tables(ordinary, ["traffic_over_time"]))

    assert {"2xx", "3xx", "4xx", "5xx"} <= set(shown.get().split())
    assert "no room for" not in shown.get()


def test_what_filters_do_not_choose_says_so_where_there_are_any(ordinary: Results) -> None:
    told = "Recorder health (lines are those of all logs, whatever was chosen)"
    console = Console(width=80, file=io.StringIO())

    with console.capture() as chosen:
        console.print(tables(ordinary, is_chosen=True))

    assert told in chosen.get()
    assert "whatever was chosen" not in _printed(ordinary)


def test_table_of_the_latest_requests_says_so(ordinary: Results) -> None:
    console = Console(width=80, file=io.StringIO())

    with console.capture() as shown:
        console.print(tables(ordinary, ["user_agents", "clients"]))

    assert "User agents (among the latest requests)\n" in shown.get()
    assert "Clients\n" in shown.get()
    assert "\nAmong the latest requests.\n" in document(ordinary, filters={})
