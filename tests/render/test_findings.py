"""A rule that is broken in many places does not hide the others, wherever findings are read."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pandas as pd
from rich.console import Console

from perfectcv_traffic.render.html import render_report
from perfectcv_traffic.render.markdown import document
from perfectcv_traffic.render.tables import tables

Results = dict[str, pd.DataFrame]


def test_terminal_names_some_places_of_every_rule(many_findings: Results) -> None:
    stream = io.StringIO()
    Console(file=stream, width=80).print(tables(many_findings, {"findings"}))

    assert stream.getvalue().count("GET /open/") + stream.getvalue().count("POST /open/") == 8
    assert "and 292 more of PT101" in stream.getvalue()
    assert "/burst" in stream.getvalue()


def test_markdown_names_some_places_of_every_rule(many_findings: Results) -> None:
    text = document({"findings": many_findings["findings"]}, filters={})

    assert "And 280 more of PT101." in text
    assert "/burst" in text


def test_page_folds_what_is_many(many_findings: Results) -> None:
    page = render_report(
        many_findings, {}, generated_at=datetime(2026, 11, 22, tzinfo=UTC), version="1"
    )

    assert "<summary>292 more</summary>" in page
    assert "And 100 that are not on this page." in page
    assert "/burst" in page
