"""A table for a terminal of any width: columns are left out, and told, before a number is cut."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import pandas as pd
from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from perfectcv_traffic.render.columns import COLUMNS, NARROWEST, Column, rows
from perfectcv_traffic.render.text import fold, width

_PADDING = 1


class Grid:
    """Columns of a frame, the first of them at least, as many as there is room for."""

    def __init__(self, frame: pd.DataFrame, names: Sequence[str]) -> None:
        texts = zip(*rows(frame, names), strict=True)
        self._columns = [(COLUMNS[name], text) for name, text in zip(names, texts, strict=True)]

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """As wide as its table."""
        return Measurement.get(console, options, self._table(self._fitting(options)))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The table, and what there was no room for."""
        fitting = self._fitting(options)
        yield self._table(fitting)
        if left_out := [column.heading for column, _ in self._columns[fitting:]]:
            yield Text(f"no room for: {'; '.join(left_out)}", style="dim")

    def _fitting(self, options: ConsoleOptions) -> int:
        """How many columns there is room for; in ASCII a line stands between two of them."""
        room = options.max_width + options.ascii_only
        for place, (column, texts) in enumerate(self._columns):
            room -= _least(column, texts) + _PADDING + options.ascii_only
            if room < 0:
                return max(place, 1)
        return len(self._columns)

    def _table(self, fitting: int) -> Table:
        padding = (0, _PADDING, 0, 0)
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, header_style="", padding=padding)
        shown = self._columns[:fitting]
        for column, texts in shown:
            heading = Text(textwrap.fill(column.heading, _widest(column, texts)), style="dim")
            table.add_column(heading, justify=column.align, no_wrap=not column.is_path)
        for row in zip(*(texts for _, texts in shown), strict=True):
            cells = zip(row, (column for column, _ in shown), strict=True)
            table.add_row(
                *(Folded(text, of.narrowest) if of.is_path else Text(text) for text, of in cells)
            )
        return table


def _widest(column: Column, texts: Sequence[str]) -> int:
    return max(map(cell_len, [*column.heading.split(), *texts]))


def _least(column: Column, texts: Sequence[str]) -> int:
    """Cells without which something of it would be lost."""
    widest = _widest(column, texts)
    return min(widest, column.narrowest) if column.is_path else widest


class Folded:
    """A path on at most two lines, cut in its middle if that is still too narrow for it."""

    def __init__(self, text: str, narrowest: int = NARROWEST) -> None:
        self.text = text
        self._narrowest = narrowest

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """From the narrowest that it may have to all that it needs."""
        needed = width(self.text)
        return Measurement(min(needed, self._narrowest), needed)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The text in the room that there is."""
        folded = fold(self.text, options.max_width, lines=2)
        yield Text(folded, no_wrap=True, overflow="ellipsis")
