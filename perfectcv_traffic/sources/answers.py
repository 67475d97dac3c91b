"""The answers of the analyses to a source, with what is held against it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from perfectcv_traffic.errors import StorageError, UsageError
from perfectcv_traffic.sources.contents import Contents, Documented
from perfectcv_traffic.timestamps import before, stamp

if TYPE_CHECKING:
    import pandas as pd

    from perfectcv_traffic.analysis.frames import Frames
    from perfectcv_traffic.sources.source import Source

    Answers = dict[str, pd.DataFrame]

BEFORE = "before"
DATABASES = (".db", ".sqlite", ".sqlite3")


def read(
    source: Source,
    *,
    hourly: bool = True,
    documented: Documented = None,
    previous: Frames | None = None,
) -> Frames:
    """The frames of a source; raises `StorageError` if it cannot be read.

    What is known by the hour is read only if wanted: the longer a log, the more it is.
    """
    return _contents(source, hourly=hourly).frames(documented, previous)


def _contents(source: Source, *, hourly: bool) -> Contents:
    from perfectcv_traffic.sources.database import from_database
    from perfectcv_traffic.sources.logs import from_logs

    return (from_logs if source.logs else from_database)(source, hourly=hourly)


def of(
    source: Source,
    *,
    names: Collection[str] | None = None,
    openapi: str | None = None,
    allow_hosts: Collection[str] = (),
    compare: str | None = None,
) -> Answers:
    """The named analyses, by default all, of what a source holds.

    A document and earlier traffic are held against it if given.
    """
    from perfectcv_traffic.analysis.catalogue import analyze, is_hourly
    from perfectcv_traffic.sources.openapi import document, operations

    hourly = is_hourly(names)
    previous = read(_earlier(source, compare), hourly=False) if compare else None
    documented = operations(document(openapi, allow_hosts)) if openapi else None
    frames = read(source, hourly=hourly, documented=documented, previous=previous)
    return analyze(frames, names)


def _earlier(source: Source, compare: str) -> Source:
    """What to compare with: a database or a log, or as long a time just before --since."""
    if compare != BEFORE:
        path = Path(compare)
        if path.suffix in DATABASES and not path.exists():
            raise StorageError(f"--compare {path} does not exist: name an earlier database or log")
        logs = () if path.suffix in DATABASES else (compare,)
        whole = replace(source.filters, since=None, until=None)  # it is of another time
        return replace(source, db=path, logs=logs, filters=whole, run=None)
    since, until = source.filters.since, source.filters.until or stamp(datetime.now(UTC))
    if since is None:
        raise UsageError("--compare before needs --since: as long a time before it is compared")
    if since >= until:
        raise UsageError(f"--since {since} is yet to come: there is nothing to compare with before")
    start, end = (datetime.fromisoformat(one) for one in (since, until))
    filters = replace(source.filters, since=stamp(before(start, end - start)), until=since)
    return replace(source, filters=filters, run=None)
