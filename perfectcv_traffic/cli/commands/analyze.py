"""`perfectcv-traffic analyze`: tables, charts and `summary.json` of recorded traffic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfectcv_traffic.cli import showing
from perfectcv_traffic.cli.filtering import filtered
from perfectcv_traffic.cli.options import DEFAULTS, Db, DocumentHosts, Json, Output, option
from perfectcv_traffic.cli.source import source
from perfectcv_traffic.sources import answers
from perfectcv_traffic.sources.filters import Filters
from perfectcv_traffic.sources.logs import begun

Logs = Annotated[
    list[str] | None,
    typer.Argument(help="Logs to analyze directly, paths or URLs; else the database."),
]
Only = Annotated[
    list[str] | None,
    option("--only", help="Only this analysis, see --list; repeatable.", of="analyze"),
]
List = Annotated[bool, option("--list", help="List the analyses and what they answer.")]
Csv = Annotated[bool, option("--csv", help="Print the one analysis of --only as CSV.")]
Markdown = Annotated[bool, option("--markdown", help="Print Markdown tables.")]
NoCharts = Annotated[bool, option("--no-charts", help="Print tables only, write no files.")]
OpenApi = Annotated[
    str | None,
    option(
        "--openapi", help="OpenAPI document (file or URL): tells which routes were never called."
    ),
]
Compare = Annotated[
    str | None,
    option("--compare", help="Earlier database or log; or 'before': as long before --since."),
]
Jobs = Annotated[
    int | None, option("--jobs", help="Processes that read LOG; else one on each core.", min=1)
]
Cluster = Annotated[
    str | None,
    option("--cluster", help="Dask scheduler whose workers read LOG: tcp://HOST:8786."),
]


@filtered
def analyze(
    logs: Logs = None,
    db: Db = Path(DEFAULTS.db),
    output: Output = Path(DEFAULTS.output),
    only: Only = None,
    list_: List = False,
    json: Json = False,
    csv: Csv = False,
    markdown: Markdown = False,
    no_charts: NoCharts = False,
    openapi: OpenApi = None,
    allow_host: DocumentHosts = None,
    compare: Compare = None,
    jobs: Jobs = None,
    cluster: Cluster = None,
    *,
    filters: Filters,
) -> None:
    """Tell who calls, how fast and what fails; write charts."""
    if list_:
        showing.list_analyses()
        return
    form = showing.form(json=json, csv=csv, markdown=markdown)
    with begun(source(db, logs, filters, jobs=jobs, cluster=cluster)) as working:
        names = showing.names(only, form)
        needed = showing.needed(names, form) if no_charts else None
        found = answers.of(
            working, names=needed, openapi=openapi, allow_hosts=allow_host or (), compare=compare
        )
    showing.print_as(found, form, names=names, filters=filters)
    showing.note_nothing(found)
    if not no_charts:
        files = showing.write_charts(found, output, names, filters)
        files.append(showing.write_json(found, output, filters))
        if form == showing.TABLES:
            showing.list_files(files)
