from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pandas as pd

from perfectcv_traffic.analysis.catalogue import ANALYSES
from perfectcv_traffic.render.machine import summary_json

Results = dict[str, pd.DataFrame]

MADE = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)


def _document(results: Results) -> Any:
    return json.loads(summary_json(results, generated_at=MADE, version="1.2.3"))


def test_summary_says_what_made_it_from_what(ordinary: Results) -> None:
    document = _document(ordinary)

    assert list(document) == [
        "schema_version", "tool", "generated_at", "filters", "data", "analyses"
    ]  # fmt: skip
    assert document["schema_version"] == 1
    assert document["tool"] == {"name": "perfectcv-traffic", "version": "1.2.3"}
    assert document["generated_at"] == "2026-11-22T01:02:03Z"
    assert document["data"] == {
        "first_request": "2026-11-01T00:00:00Z",
        "last_request": None,
        "first_hour": "2026-11-01T00:00:00Z",
        "last_hour": ordinary["totals"]["last_hour"].iloc[0].strftime("%Y-%m-%dT%H:00:00Z"),
        "requests": int(ordinary["totals"]["requests"].iloc[0]),
    }


def test_summary_has_every_row_of_every_analysis(any_results: Results) -> None:
    analyses = _document(any_results)["analyses"]

    assert list(analyses) == [analysis.name for analysis in ANALYSES]
    for analysis in ANALYSES:
        told = analyses[analysis.name]
        assert (told["title"], told["question"]) == (analysis.title, analysis.question)
        assert len(told["rows"]) == len(any_results[analysis.name])


def test_summary_numbers_are_those_of_the_results(ordinary: Results) -> None:
    rows = _document(ordinary)["analyses"]["top_endpoints"]["rows"]

    for column in ("requests", "mean_ms", "p95_ms", "share_of_requests"):
        assert [row[column] for row in rows] == ordinary["top_endpoints"][column].tolist()


def test_summary_of_nothing_has_null_for_unknown(empty: Results) -> None:
    analyses = _document(empty)["analyses"]

    assert analyses["durations"]["rows"][0]["mean_ms"] is None
    assert analyses["totals"]["rows"][0]["first_hour"] is None
    assert analyses["findings"]["rows"] == []


def test_summary_keeps_hostile_text_whole_and_harmless(hostile: Results) -> None:
    text = summary_json(hostile, generated_at=MADE, version="1.2.3")
    names = {row["endpoint"] for row in json.loads(text)["analyses"]["endpoint_durations"]["rows"]}

    assert names == set(hostile["endpoint_durations"]["endpoint"])
    assert text.isascii()
    assert "\x1b" not in text


def test_summary_times_are_utc_whatever_the_zone(empty: Results) -> None:
    there = MADE.astimezone(timezone(timedelta(hours=5, minutes=30)))

    text = summary_json(empty, generated_at=there, version="1.2.3")

    assert text == summary_json(empty, generated_at=MADE, version="1.2.3")


def test_same_results_and_time_give_the_same_summary(ordinary: Results) -> None:
    first, again = (summary_json(ordinary, generated_at=MADE, version="1") for _ in range(2))

    assert first == again


def test_summary_needs_no_library_for_people(modules_after: Callable[[str], set[str]]) -> None:
    loaded = modules_after("perfectcv_traffic.render.machine")

    assert not {"matplotlib", "rich", "jinja2"} & loaded
