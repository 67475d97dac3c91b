"""The answers of every analysis, from a database or straight from logs: for several commands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

    import pandas as pd

    from perfectcv_traffic.analysis.frames import Health

    Answers = dict[str, pd.DataFrame]


def from_database(db: Path) -> Answers:
    """Every analysis of what the database holds."""
    from perfectcv_traffic.analysis.catalogue import analyze
    from perfectcv_traffic.analysis.frames import frames
    from perfectcv_traffic.store import database, queries

    with database.reading(db) as connection:
        return analyze(frames(queries.summary_rows(connection), _health(connection)))


def from_logs(logs: Sequence[Path]) -> Answers:
    """Every analysis of what the logs hold, without a database."""
    from perfectcv_traffic.analysis.catalogue import analyze
    from perfectcv_traffic.analysis.frames import Health, frames
    from perfectcv_traffic.log.fold import fold
    from perfectcv_traffic.summary import TABLES

    folded = fold(logs)
    health = Health(
        ingested=folded.records,
        rejected=folded.rejected,
        first_request=folded.first,
        last_request=folded.last,
    )
    return analyze(frames({one.name: folded.summary.rows(one) for one in TABLES}, health))


def _health(connection: sqlite3.Connection) -> Health:
    from perfectcv_traffic.analysis.frames import Health
    from perfectcv_traffic.store import queries

    lines = queries.line_counts(connection)
    first, last = queries.time_range(connection)
    return Health(
        ingested=lines.stored,
        rejected=lines.rejected,
        duplicates=lines.duplicate,
        first_request=first,
        last_request=last,
    )
