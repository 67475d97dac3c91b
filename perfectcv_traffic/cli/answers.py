"""The answers of every analysis, from a database or straight from logs: for several commands."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from perfectcv_traffic.cli.moments import before, stamp
from perfectcv_traffic.cli.reading import Source, read
from perfectcv_traffic.errors import StorageError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    Answers = dict[str, pd.DataFrame]

BEFORE = "before"
DATABASES = (".db", ".sqlite", ".sqlite3")


def from_database(db: Path) -> Answers:
    """Every analysis of what the database holds."""
    return of(Source(db))


def of(
    source: Source,
    *,
    names: Collection[str] | None = None,
    openapi: Path | None = None,
    compare: str | None = None,
) -> Answers:
    """The named analyses, by default all, of what a source holds.

    A document and earlier traffic are held against it if given.
    """
    from perfectcv_traffic.analysis.catalogue import analyze, is_hourly

    hourly = is_hourly(names)
    previous = read(_earlier(source, compare), hourly=False) if compare else None
    documented = _documented(openapi) if openapi else None
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


def _documented(path: Path) -> frozenset[tuple[str, str]]:
    """Method and path of every operation of an OpenAPI document."""
    from perfectcv_traffic.generate.openapi import parse_document
    from perfectcv_traffic.generate.operations import ANY_METHOD, parse_operations

    if not path.is_file():
        raise UsageError(f"--openapi {path} does not exist: save the API's /openapi.json there")
    operations, left_out = parse_operations(parse_document(path.read_bytes(), str(path)))
    return frozenset((one.method, one.path) for one in operations) | frozenset(
        (one.method, one.path) for one in left_out if one.method != ANY_METHOD
    )
