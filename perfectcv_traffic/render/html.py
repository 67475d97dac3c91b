"""The report: one self-contained HTML page that opens from disk; only sorting needs its script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import jinja2
import numpy as np
import pandas as pd
from markupsafe import Markup

from perfectcv_traffic.analysis.analysis import Analysis
from perfectcv_traffic.analysis.catalogue import ANALYSES
from perfectcv_traffic.analysis.health import gaps
from perfectcv_traffic.render import palette
from perfectcv_traffic.render.columns import COLUMNS, RULE, places, rows, second, words
from perfectcv_traffic.render.excerpt import excerpt
from perfectcv_traffic.render.text import cut_middle, sentence

MOST_ROWS = 200
"""Rows of a table before it is cut: a page is for reading, JSON has them all."""
MOST_OPEN_ROWS = 12
"""Rows up to which the table below a chart is unfolded from the start."""
MOST_PLACES = 8
"""Places of a rule that are unfolded from the start."""
MOST_CELLS = 160
"""Length of a path before it is cut in the middle."""


class Cell(NamedTuple):
    """A cell of a table: its text, the CSS classes that it needs, by what it sorts."""

    text: str
    classes: str
    key: str = ""


class Section(NamedTuple):
    """What the page shows of one analysis."""

    name: str
    title: str
    question: str
    unchosen: str
    """What of it filters do not choose."""
    image: str
    dark: str
    facts: list[tuple[str, str]]
    headings: list[Cell]
    rows: list[list[Cell]]
    remark: str
    """Which of all rows these are, if they are not all."""
    nothing: str
    is_open: bool


class Rule(NamedTuple):
    """A rule that recorded traffic broke, and where."""

    rule: str
    severity: str
    title: str
    expected: str
    found: list[tuple[str, str, str]]
    """The first places."""
    more: list[tuple[str, str, str]]
    unlisted: int
    """Places beyond those."""


def render_report(
    results: Mapping[str, pd.DataFrame],
    images: Mapping[str, bytes],
    dark_images: Mapping[str, bytes] | None = None,
    *,
    generated_at: datetime,
    version: str,
    filters: Mapping[str, str] | None = None,
) -> str:
    """The page for the results of `analyze`, with the charts as PNG by the name of their analysis.

    A chart without a dark image is light on a dark page too.
    """
    style, script = _style(), _template("report.js.jinja").render().strip()
    return _template("report.html.jinja").render(
        style=Markup(style),  # our own text, nothing recorded in it
        style_hash=_hash(style),
        script=Markup(script),
        script_hash=_hash(script),
        rules=list(_rules(results["findings"])),
        filters={name: words(text) for name, text in (filters or {}).items()},
        health=_first(results["health"]),
        gaps=gaps(results["health"]),
        totals=_first(results["totals"]),
        sections=[
            _section(analysis, results[analysis.name], (images, dark_images or {}))
            for analysis in ANALYSES
            if analysis.name != "findings"
        ],
        generated_at=second(generated_at.astimezone(UTC)),
        version=version,
    )


def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("perfectcv_traffic", "render"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def _hash(source: str) -> str:
    """What the content security policy allows: this very text and nothing else."""
    return base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


def _style() -> str:
    return _template("report.css.jinja").render(
        light=palette.LIGHT._asdict(),
        dark=palette.DARK._asdict(),
        status=palette.STATUS,
        presence=palette.PRESENCE,
        severity=palette.SEVERITY,
    )


def _rules(findings: pd.DataFrame) -> Iterator[Rule]:
    for key, every in findings.groupby(RULE, sort=False):
        found = every.head(MOST_ROWS)
        observed, ids = (map(words, found[name]) for name in ("observed", "evidence"))
        where = [cut_middle(place, MOST_CELLS) for place in places(found)]
        rule, severity, title, expected = map(words, key)
        told = list(zip(where, observed, ids, strict=True))
        first, more = told[:MOST_PLACES], told[MOST_PLACES:]
        yield Rule(rule, severity, title, expected, first, more, len(every) - len(found))


def _section(
    analysis: Analysis, frame: pd.DataFrame, images: tuple[Mapping[str, bytes], ...]
) -> Section:
    image, dark = (_data(pictures.get(analysis.name)) for pictures in images)
    names = [str(name) for name in frame.columns]
    shown, remark = excerpt(frame, analysis, MOST_ROWS)
    texts = [] if analysis.is_facts else list(rows(shown, names))
    return Section(
        name=analysis.name,
        title=analysis.title,
        question=analysis.question,
        unchosen=sentence(analysis.unchosen) if analysis.unchosen else "",
        image=image,
        dark=dark,
        facts=list(_first(frame).values()) if analysis.is_facts else [],
        headings=[Cell(COLUMNS[name].heading, COLUMNS[name].align) for name in names],
        rows=[
            [_cell(*one) for one in zip(names, values, raw, strict=True)]
            for values, raw in zip(texts, shown.itertuples(index=False, name=None), strict=False)
        ],
        remark=remark and sentence(remark),
        nothing=sentence(analysis.nothing),
        is_open=not image or len(frame) <= MOST_OPEN_ROWS,
    )


def _first(frame: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Heading and text of each column of a frame of facts."""
    names = [str(name) for name in frame.columns]
    texts = next(rows(frame, names))
    return {name: (COLUMNS[name].heading, text) for name, text in zip(names, texts, strict=True)}


def _cell(name: str, text: str, value: object) -> Cell:
    column = COLUMNS[name]
    if column.is_path:
        return Cell(cut_middle(text, MOST_CELLS), f"{column.align} path")
    if name in {"status_class", "token_presence"}:
        return Cell(text, f"{column.align} swatch {swatch(text)}")
    is_number = column.align == "right" and isinstance(value, float | int | np.number)
    return Cell(text, column.align, f"{value:.17g}" if is_number else "")


def swatch(label: str) -> str:
    """The CSS class of a label that has a colour."""
    return f"is-{label.replace(' ', '-')}"


def _data(png: bytes | None) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}" if png else ""
