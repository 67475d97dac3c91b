"""Markdown that others wrote no word of: what a renderer makes of hostile names."""

from __future__ import annotations

import pandas as pd
from markdown_it import MarkdownIt

from perfectcv_traffic.render.markdown import document

EVIL = r"/x\|<img src=x>|`|\\|[a](http://evil)"


def _clients(*names: str) -> dict[str, pd.DataFrame]:
    table = pd.DataFrame({"client": names, "requests": 1})
    return {"clients": table}


def test_row_has_as_many_cells_as_its_head_whoever_renders_it() -> None:
    """Of `\\\\|` one renderer takes the pipe for escaped, another the backslash."""
    written = document(_clients(EVIL), filters={})

    (row,) = [line for line in written.splitlines() if "/x" in line]
    assert row.replace(r"\\", "").replace(r"\|", "").count("|") == 3  # one of the two ways
    rendered = MarkdownIt().enable("table").render(written)
    assert rendered.count("<td") == 2
    assert "<img" not in rendered
    assert "<a " not in rendered


def test_name_with_pipes_reads_as_it_is() -> None:
    rendered = MarkdownIt().enable("table").render(document(_clients("/a|b|c"), filters={}))

    assert "<code>/a|b|c</code>" in rendered
