"""The source that a command reads: what reading has to say goes to the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from perfectcv_traffic.cli.terminal import note, progress
from perfectcv_traffic.sources.filters import Filters
from perfectcv_traffic.sources.source import NO_FILTERS, Source


def source(
    db: Path,
    logs: Sequence[Path | str] | None = None,
    filters: Filters = NO_FILTERS,
    *,
    jobs: int | None = None,
    cluster: str | None = None,
) -> Source:
    """Logs if any are named, else the database."""
    return Source(db, logs or (), filters, jobs, cluster, note=note, progress=progress)
