"""`perfectcv-traffic report`: one HTML file of everything, or the same as Markdown or JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from perfectcv_traffic.cli import showing
from perfectcv_traffic.cli.commands.analyze import Compare, Logs, OpenApi
from perfectcv_traffic.cli.filtering import filtered
from perfectcv_traffic.cli.options import DEFAULTS, Db, DocumentHosts, Output, option
from perfectcv_traffic.cli.source import source
from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.sources import answers
from perfectcv_traffic.sources.filters import Filters

Format = Annotated[str, option("--format", help="html, markdown or json.", of="report")]


@filtered
def report(
    logs: Logs = None,
    db: Db = Path(DEFAULTS.db),
    output: Output = Path(DEFAULTS.output),
    format_: Format = "html",
    openapi: OpenApi = None,
    allow_host: DocumentHosts = None,
    compare: Compare = None,
    *,
    filters: Filters,
) -> None:
    """Write report.html: findings, charts, tables in one file."""
    writers = {
        "html": showing.write_report,
        "markdown": showing.write_markdown,
        "json": showing.write_json,
    }
    if format_ not in writers:
        raise UsageError(f"--format {format_!r}: choose from {', '.join(writers)}")
    found = answers.of(
        source(db, logs, filters), openapi=openapi, allow_hosts=allow_host or (), compare=compare
    )
    showing.note_nothing(found)
    showing.list_files([writers[format_](found, output, filters)])
