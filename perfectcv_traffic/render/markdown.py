"""Results as GitHub-flavoured Markdown: for a comment on a pull request, a wiki, a chat."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import pandas as pd

from perfectcv_traffic.analysis.analysis import Analysis
from perfectcv_traffic.analysis.catalogue import ANALYSES
from perfectcv_traffic.analysis.health import gaps
from perfectcv_traffic.render.columns import COLUMNS, RULE, cell, places, rows
from perfectcv_traffic.render.excerpt import excerpt
from perfectcv_traffic.render.text import cut_middle, sentence, visible

MOST_ROWS = 50
MOST_PLACES = 20
"""Places of a rule before the others are only counted."""
MOST_CELLS = 120
_RULING = {"left": ":--", "right": "--:"}
_ACTIVE = re.compile(r"([\\`*_{}\[\]()<>#+!|~@&$:-])")
"""What Markdown, HTML in it, or a forge (@somebody, #123) would act upon."""


def document(results: Mapping[str, pd.DataFrame], *, filters: Mapping[str, str]) -> str:
    """The results in their usual order; an empty table is left out, except the findings."""
    parts = ["# API traffic"]
    if filters:
        chosen = ", ".join(f"{name} {_code(text)}" for name, text in filters.items())
        parts.append(f"Filters in force: {chosen}.")
    for analysis in ANALYSES:
        frame = results.get(analysis.name)
        if frame is not None and (analysis.name == "findings" or not frame.empty):
            base = analysis.base(is_chosen=bool(filters))
            told = [sentence(base)] if base else []
            parts += [f"## {analysis.title}", *told, *_body(analysis, frame)]
    return "\n\n".join(parts) + "\n"


def _body(analysis: Analysis, frame: pd.DataFrame) -> Iterator[str]:
    if analysis.name == "findings":
        yield from _findings(frame)
        return
    names = [str(name) for name in frame.columns]
    if analysis.is_facts:
        first = next(rows(frame, names))
        yield "\n".join(
            f"- {COLUMNS[name].heading}: **{_plain(text)}**"
            for name, text in zip(names, first, strict=True)
        )
        if analysis.name == "health":
            yield from gaps(frame)
        return
    lines = [_row(COLUMNS[name].heading for name in names)]
    lines += [_row(_RULING[COLUMNS[name].align] for name in names)]
    part, remark = excerpt(frame, analysis, MOST_ROWS)
    for values in rows(part, names):
        lines.append(_row(_shown(*one) for one in zip(names, values, strict=True)))
    yield "\n".join(lines)
    if remark:
        yield sentence(remark)


def _findings(frame: pd.DataFrame) -> Iterator[str]:
    if frame.empty:
        yield "No findings in the recorded traffic."
    for (rule, severity, title, expected), every in frame.groupby(RULE, sort=False):
        found = every.head(MOST_PLACES)
        yield f"**{rule} {severity}**: {title}; expected {_plain(str(expected))}."
        observed = (cell("observed", text) for text in found["observed"])
        yield "\n".join(
            f"- {_code(place)}: {_plain(text)}"
            for place, text in zip(places(found), observed, strict=True)
        )
        if len(every) > len(found):
            yield f"And {len(every) - len(found):,} more of {rule}."


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(name: str, text: str) -> str:
    return _code(text) if COLUMNS[name].is_path else _plain(text)


def _plain(text: str) -> str:
    return _ACTIVE.sub(r"\\\1", text) if not text.replace(",", "").isdecimal() else text


def _code(text: str) -> str:
    """Code that nothing ends early: a table splits at every | unless it is escaped.

    Renderers differ in whether it is in `\\\\|`: behind a backslash it stands as an escape of ours.
    """
    brief = cut_middle(visible(text), MOST_CELLS).replace("\\|", r"\\x7c").replace("|", "\\|")
    fence = "`" * (max(map(len, re.findall("`+", brief)), default=0) + 1)
    space = " " if brief.startswith("`") or brief.endswith("`") else ""
    return f"{fence}{space}{brief}{space}{fence}"
