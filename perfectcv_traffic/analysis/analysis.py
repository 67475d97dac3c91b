"""What an analysis is: a question about the traffic, and how its answer is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from perfectcv_traffic.analysis.frames import Frames


class Analysis(NamedTuple):
    """A question about the traffic and the function that answers it."""

    name: str
    title: str
    question: str
    compute: Callable[[Frames], pd.DataFrame]
    is_facts: bool = False
    """Always one row: shown as a list of facts."""
    is_hourly: bool = False
    """Rests on the cells by the hour, of which a long log has many."""
    most: int | None = None
    """Rows that the function gives at most, of however many there may be."""
    nothing: str = "none"
    """What it means that there is no row."""
    is_recent: bool = False
    """Rests on single requests, of which the latest are read."""
    unchosen: str = ""
    """What of it is not chosen by filters."""

    def base(self, *, is_chosen: bool) -> str:
        """What its numbers are of where the title alone would mislead; filters may be in force."""
        told = ["among the latest requests"] if self.is_recent else []
        return ", ".join([*told, self.unchosen] if is_chosen and self.unchosen else told)
