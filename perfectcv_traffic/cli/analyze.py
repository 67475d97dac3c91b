"""`perfectcv-traffic analyze`: tables, charts and `summary.json` of recorded traffic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfectcv_traffic.cli import answers, showing
from perfectcv_traffic.cli.options import DEFAULTS, Db, Json, Output, option

Logs = Annotated[
    list[Path] | None, typer.Argument(help="Logs to analyze directly; else the database.")
]
NoCharts = Annotated[bool, option("--no-charts", help="Print tables only, write no files.")]


def analyze(
    logs: Logs = None,
    db: Db = Path(DEFAULTS.db),
    output: Output = Path(DEFAULTS.output),
    json: Json = False,
    no_charts: NoCharts = False,
) -> None:
    """Answer who calls, with which tokens, how fast, and what fails; write charts."""
    found = answers.from_logs(logs) if logs else answers.from_database(db)
    showing.print_answers(found, as_json=json)
    if not no_charts:
        files = [*showing.write_charts(found, output), showing.write_json(found, output)]
        if not json:
            showing.list_files(files)
