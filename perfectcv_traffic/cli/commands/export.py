"""`perfectcv-traffic export`: rows or an analysis for other programs."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from perfectcv_traffic.cli import output, showing
from perfectcv_traffic.cli.filtering import filtered
from perfectcv_traffic.cli.options import DEFAULTS, Db, option
from perfectcv_traffic.cli.source import source
from perfectcv_traffic.cli.terminal import note
from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.sources import answers
from perfectcv_traffic.sources.filters import Filters, matches

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("ndjson", "csv", "parquet", "har")

Format = Annotated[str, option("--format", help=f"{', '.join(FORMATS)}.", of="export")]
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
    """Write requests, or an analysis, for another program."""
    if format_ not in FORMATS:
        raise UsageError(f"--format {format_!r}: choose from {', '.join(FORMATS)}")
    if analysis and format_ == "har":
        raise UsageError("--format har holds requests: leave --analysis out")
    if format_ == "parquet" and to is None:
        raise UsageError("--format parquet is no text: name a file with --to")
    if to and to.exists() and db.exists() and to.samefile(db):
        raise UsageError(f"--to {to} is the database itself: name another file")
    if analysis:
        showing.names([analysis], showing.CSV, option="--analysis")
    with output.aside(to) if to else nullcontext() as new:
        if analysis:
            found = answers.of(source(db, filters=filters), names=[analysis])[analysis]
            _write_analysis(found, format_, new)
        else:
            _write_requests(db, filters, format_, new)


def _write_analysis(frame: pd.DataFrame, format_: str, to: Path | None) -> None:
    if format_ == "parquet" and to:
        from perfectcv_traffic.render.parquet import write_frame

        write_frame(to, frame)
        return
    from perfectcv_traffic.render.machine import plain
    from perfectcv_traffic.render.rows import WRITERS

    rows = ([plain(value) for value in row] for row in frame.itertuples(index=False, name=None))
    _write(WRITERS[format_]([str(name) for name in frame.columns], rows), to)


def _write_requests(db: Path, filters: Filters, format_: str, to: Path | None) -> None:
    from perfectcv_traffic.render.rows import REQUEST_WRITERS
    from perfectcv_traffic.store import counted, database

    with database.reading(db) as connection:
        if counted.is_summary(connection):
            counted.require_rows(connection, "single requests")
        if counted.summarised(connection):
            note(f"database {db} {counted.absence(connection, 'single requests')}")
        connection.create_function("matches", 2, matches, deterministic=True)
        columns = connection.execute("PRAGMA table_info(api_requests)").fetchall()
        types = {name: sql_type for _, name, sql_type, *_ in columns}
        where, parameters = filters.where()
        chosen = ", ".join(f'"{name}"' for name in types)
        sql = f"SELECT {chosen} FROM api_requests WHERE {where} ORDER BY id"
        rows = connection.execute(sql, parameters)
        if format_ == "parquet" and to:
            from perfectcv_traffic.render.parquet import write_rows

            write_rows(to, types, rows)
        else:
            _write(REQUEST_WRITERS[format_](list(types), rows), to)


def _write(text: Iterable[str], to: Path | None) -> None:
    if to is None:
        output.write(text)
        return
    with to.open("w", encoding="utf-8", newline="") as file:
        file.writelines(text)
