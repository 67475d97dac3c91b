"""`perfectcv-traffic export`: rows or an analysis for other programs."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

from perfectcv_traffic.analysis.filters import Filters, matches
from perfectcv_traffic.cli import answers, showing
from perfectcv_traffic.cli.filtering import filtered
from perfectcv_traffic.cli.options import DEFAULTS, Db, option
from perfectcv_traffic.cli.reading import Source
from perfectcv_traffic.errors import UsageError

FORMATS = ("ndjson", "csv", "parquet", "har")

Format = Annotated[str, option("--format", help=f"{', '.join(FORMATS)}.")]
Analysis = Annotated[
    str | None, option("--analysis", help="Export this analysis, see analyze --list, not rows.")
]
To = Annotated[
    Path | None, option("--to", help="File to write; else standard output.", dir_okay=False)
]


@filtered
def export(
    db: Db = Path(DEFAULTS.db),
    format_: Format = "ndjson",
    analysis: Analysis = None,
    to: To = None,
    *,
    filters: Filters,
) -> None:
    """Write the requests that were chosen, or an analysis of them, for another program."""
    if format_ not in FORMATS:
        raise UsageError(f"--format {format_!r}: choose from {', '.join(FORMATS)}")
    if analysis and format_ == "har":
        raise UsageError("--format har holds requests: leave --analysis out")
    if format_ == "parquet" and to is None:
        raise UsageError("--format parquet is no text: name a file with --to")
    if analysis:
        showing.names([analysis], showing.CSV)
        frame = answers.of(Source(db, (), filters))[analysis]
        rows = frame.astype("object").where(frame.notna(), None).itertuples(index=False, name=None)
        _write([str(name) for name in frame.columns], map(_plain, rows), format_, to)
        return
    from perfectcv_traffic.store import database

    with database.reading(db) as connection:
        connection.create_function("matches", 2, matches, deterministic=True)
        where, parameters = filters.where()
        sql = f"SELECT * FROM api_requests WHERE {where} ORDER BY id"
        cursor = connection.execute(sql, parameters)
        _write([column[0] for column in cursor.description], cursor, format_, to)


def _plain(row: Sequence[Any]) -> list[Any]:
    return [value.isoformat() if hasattr(value, "isoformat") else value for value in row]


def _write(names: list[str], rows: Iterable[Sequence[Any]], format_: str, to: Path | None) -> None:
    if format_ == "parquet" and to:
        _write_parquet(names, rows, to)
        return
    text = _text(names, rows, format_)
    if to is None:
        for part in text:
            sys.stdout.write(part)
        return
    with to.open("w", encoding="utf-8", newline="") as file:
        file.writelines(text)


def _text(names: list[str], rows: Iterable[Sequence[Any]], format_: str) -> Iterator[str]:
    from perfectcv_traffic.render.rows import WRITERS, har

    if format_ != "har":
        return WRITERS[format_](names, rows)
    version = importlib.metadata.version("perfectcv-traffic")
    return har((dict(zip(names, row, strict=True)) for row in rows), version=version)


def _write_parquet(names: list[str], rows: Iterable[Sequence[Any]], to: Path) -> None:
    import pandas as pd

    try:
        pd.DataFrame(list(rows), columns=names).to_parquet(to, index=False)
    except ImportError as error:
        raise UsageError("--format parquet needs pyarrow: pip install pyarrow") from error
