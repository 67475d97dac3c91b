from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import image
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from perfectcv_traffic.analysis.catalogue import ANALYSES
from perfectcv_traffic.analysis.frames import Health, frames
from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.render import charts
from perfectcv_traffic.render.chart_style import INCHES, chart_style, drawable
from perfectcv_traffic.render.palette import BLUE, DARK, LIGHT, ORANGE
from perfectcv_traffic.summary.tables import REQUESTS

Results = dict[str, pd.DataFrame]

FILES = [
    "duration_distribution.png",
    "latency_over_time.png",
    "null_hot_spots.png",
    "status_by_token_presence.png",
    "status_distribution.png",
    "token_usage_by_hour.png",
    "top_endpoints.png",
    "traffic_over_time.png",
]


def _texts(name: str, results: Results) -> list[str]:
    """Everything written on a chart, as it is drawn."""
    with chart_style(LIGHT):
        figure = charts.compose(name, results)
        figure.draw_without_rendering()
        return [one.get_text() for one in figure.findobj(Text) if one.get_visible()]


def test_charts_show_known_analyses() -> None:
    assert set(charts.CHARTS) <= {analysis.name for analysis in ANALYSES}


def test_save_charts_writes_the_promised_files(ordinary: Results, tmp_path: Path) -> None:
    paths = charts.save_charts(ordinary, tmp_path / "new" / "directory")

    assert sorted(path.name for path in paths) == FILES
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)


def test_save_charts_where_no_file_can_be_says_so(empty: Results, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match=r"cannot write .*status_distribution\.png"):
        charts.save_charts(empty, tmp_path / "file")


@pytest.mark.parametrize("name", charts.CHARTS)
def test_chart_keeps_all_it_says_on_the_page(name: str, any_results: Results) -> None:
    with chart_style(LIGHT):
        figure = charts.compose(name, any_results, chosen="Only path /" + "m" * 200)
        figure.draw_without_rendering()
        drawn = figure.get_tightbbox()

    assert drawn.x0 >= 0
    assert drawn.y0 >= 0
    assert drawn.x1 <= INCHES[0]
    assert drawn.y1 <= INCHES[1]


@pytest.mark.parametrize("name", charts.CHARTS)
def test_line_of_what_was_chosen_leaves_the_title_its_room(name: str, ordinary: Results) -> None:
    with chart_style(LIGHT):
        figure = charts.compose(name, ordinary, chosen="Only path /" + "m" * 200)
        figure.draw_without_rendering()
        title, _, corner = (text.get_window_extent() for text in figure.texts)

    assert title.x1 < corner.x0


@pytest.mark.parametrize("name", charts.CHARTS)
def test_same_results_give_the_same_bytes(name: str, hostile: Results) -> None:
    assert charts.draw(name, hostile) == charts.draw(name, hostile)


@pytest.mark.parametrize("name", charts.CHARTS)
def test_picture_says_nothing_of_when_and_with_what_it_was_made(
    name: str, ordinary: Results
) -> None:
    content = charts.draw(name, ordinary)

    assert b"Software" not in content
    assert b"tIME" not in content


@pytest.mark.parametrize("name", charts.CHARTS)
def test_dark_chart_is_another_picture(name: str, ordinary: Results) -> None:
    assert charts.draw(name, ordinary, DARK) != charts.draw(name, ordinary, LIGHT)


@pytest.mark.parametrize("name", charts.CHARTS)
def test_chart_of_nothing_says_no_data(name: str, empty: Results) -> None:
    assert "No data" in _texts(name, empty)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("status_distribution", ["Status codes", "Requests", "404 Not Found", "5xx server error"]),
        ("top_endpoints", ["Top endpoints", "Requests", "GET /users/{id}", "4xx client error"]),
        ("duration_distribution", ["Requests", "Duration (logarithmic scale)", "10 ms"]),
        ("token_usage_by_hour", ["Requests per hour", "Hour (UTC)", "with token"]),
        ("status_by_token_presence", ["Share of the row's requests", "not recorded", "60 %"]),
    ],
)
def test_chart_names_its_axes_units_and_parts(
    name: str, words: list[str], ordinary: Results
) -> None:
    written = "\n".join(_texts(name, ordinary))

    assert [word for word in words if word not in written] == []


def test_duration_chart_marks_the_quantiles_of_the_results(ordinary: Results) -> None:
    written = _texts("duration_distribution", ordinary)

    for mark in ("p50  ", "p95  ", "p99  "):
        assert sum(text.startswith(mark) for text in written) == 1


def test_endpoint_chart_takes_names_literally(hostile: Results) -> None:
    written = _texts("top_endpoints", hostile)

    assert any("/price/$x_1$/{a^2}" in text for text in written)
    assert any(r"\x1b[31mred\x1b[0m\x07" in text for text in written)
    assert any(r"\u202egnp.exe" in text for text in written)


def test_endpoint_chart_says_how_many_there_are(long_names: Results) -> None:
    endpoints = long_names["totals"]["endpoints"].iloc[0]

    assert any(
        f"10 of {endpoints} endpoints" in text for text in _texts("top_endpoints", long_names)
    )


def test_status_chart_says_how_many_codes_it_leaves_out(ordinary: Results) -> None:
    codes = pd.DataFrame(
        {
            "status_code": range(400, 440),
            "status_class": "4xx",
            "requests": range(1, 41),
            "share_of_requests": 1 / 40,
        }
    )

    written = _texts("status_distribution", ordinary | {"status_distribution": codes})

    assert any("12 of 40 codes" in text for text in written)


@pytest.mark.parametrize(
    ("name", "column"), [("token_usage_by_hour", "requests"), ("latency_over_time", "timed")]
)
def test_hour_chart_says_what_has_no_time(name: str, column: str, ordinary: Results) -> None:
    hours = pd.concat([ordinary[name], ordinary[name].tail(1)], ignore_index=True)
    is_last = hours.index == len(hours) - 1
    hours["hour"], hours[column] = hours["hour"].mask(is_last), hours[column].mask(is_last, 7)

    written = _texts(name, ordinary | {name: hours})

    assert any("7 requests without a time" in text for text in written)
    assert not any("without a time" in text for text in _texts(name, ordinary))


@pytest.mark.parametrize(
    "hours",
    [
        pytest.param(["0001-01-01T00", "9999-12-31T23"], id="all of time"),
        pytest.param(["2026-01-01T00", "2026-01-01T01", "2026-12-31T23"], id="gaps in a year"),
        pytest.param(
            [f"2026-11-{day:02d}T{hour:02d}" for day in range(1, 29) for hour in range(24)]
        ),
    ],
)
def test_hour_chart_of_any_span_can_be_drawn(hours: list[str], ordinary: Results) -> None:
    times = pd.Series(np.array(hours, dtype="datetime64[us]")).dt.tz_localize("UTC")
    one = ordinary["token_usage_by_hour"].head(1)
    table = pd.concat([one] * len(hours), ignore_index=True)
    table["hour"] = times

    assert charts.draw("token_usage_by_hour", ordinary | {"token_usage_by_hour": table})


@pytest.mark.parametrize("name", ["latency_over_time", "traffic_over_time"])
def test_hours_without_neighbours_are_drawn(name: str, ordinary: Results) -> None:
    nightly = pd.date_range("2020-01-01T03", periods=250, freq="9D", tz="UTC", unit="us")
    table = pd.concat([ordinary[name].head(1)] * 250, ignore_index=True)
    results = ordinary | {name: table.assign(hour=nightly)}
    picture = image.imread(BytesIO(charts.draw(name, results)))[:, :, :3]
    above_the_key = picture[: len(picture) * 3 // 4]

    is_coloured = above_the_key.max(axis=2) - above_the_key.min(axis=2) > 0.5
    assert is_coloured.any(axis=0).sum() >= 250  # columns: a mark for each


def test_layers_of_hours_without_neighbours_keep_their_places(ordinary: Results) -> None:
    nightly = pd.date_range("2026-01-01T03", periods=90, freq="4D", tz="UTC", unit="us")
    table = pd.concat([ordinary["token_usage_by_hour"].head(1)] * 90, ignore_index=True)
    table = table.assign(hour=nightly, requests=10, with_token=8, without_token=2)
    table = table.assign(token_not_recorded=0)
    results = ordinary | {"token_usage_by_hour": table}
    picture = image.imread(BytesIO(charts.draw("token_usage_by_hour", results)))[:, :, :3]
    above_the_key = picture[: len(picture) * 3 // 4]
    with_token, without_token = (
        int((np.abs(above_the_key - to_rgb(colour)).max(axis=2) < 0.25).sum())
        for colour in (BLUE, ORANGE)
    )

    assert 0 < 2 * without_token < with_token


def test_latency_over_many_decades_has_an_axis_with_figures(ordinary: Results) -> None:
    table = ordinary["latency_over_time"].assign(p50_ms=0.0, p99_ms=86_400_000.0)

    written = _texts("latency_over_time", ordinary | {"latency_over_time": table})
    assert sum(bool(re.fullmatch(r"[\d,]+ (µs|ms|s)", text)) for text in written) >= 4


def test_characters_without_a_font_become_escapes() -> None:
    (text,), families = drawable(["a\U00012000\n用"])

    assert text.startswith("a\\U00012000\n") or "\U00012000" in text
    assert families[0] == "DejaVu Sans"


def test_drawing_leaves_the_settings_of_matplotlib_alone(ordinary: Results) -> None:
    before = dict(mpl.rcParams)

    charts.draw("status_distribution", ordinary)

    assert dict(mpl.rcParams) == before


def test_charts_ignore_the_settings_of_the_user(ordinary: Results) -> None:
    plain = charts.draw("status_distribution", ordinary)

    with mpl.rc_context({"font.size": 40, "axes.facecolor": "red", "lines.linewidth": 9}):
        assert charts.draw("status_distribution", ordinary) == plain


def test_results_of_a_missing_log_have_charts_too(tmp_path: Path) -> None:
    results = {a.name: a.compute(frames({REQUESTS.name: []}, Health())) for a in ANALYSES}

    assert len(charts.save_charts(results, tmp_path)) == len(FILES)
