"""Showing the answers: printed, as files, and what was written where."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from rich.text import Text

from perfectcv_traffic.cli.terminal import results

if TYPE_CHECKING:
    from perfectcv_traffic.cli.answers import Answers
    from perfectcv_traffic.generate.run import Run


def print_answers(answers: Answers, *, as_json: bool) -> None:
    """Print every analysis: tables, or one JSON document."""
    if as_json:
        from perfectcv_traffic.render.machine import summary_json

        sys.stdout.write(summary_json(answers, **_made()))
        return
    from perfectcv_traffic.render.tables import tables

    results().print(tables(answers))


def write_charts(answers: Answers, output: Path) -> list[Path]:
    """Write each chart as NAME.png."""
    from perfectcv_traffic.render.charts import save_charts

    return save_charts(answers, output)


def write_json(answers: Answers, output: Path) -> Path:
    """Write `summary.json`."""
    from perfectcv_traffic.render.files import write
    from perfectcv_traffic.render.machine import summary_json

    return write(output / "summary.json", summary_json(answers, **_made()).encode())


def write_report(answers: Answers, output: Path) -> Path:
    """Write `report.html`."""
    from perfectcv_traffic.render.charts import draw_charts
    from perfectcv_traffic.render.files import write
    from perfectcv_traffic.render.html import render_report
    from perfectcv_traffic.render.palette import DARK

    page = render_report(
        answers, draw_charts(answers), dark_images=draw_charts(answers, DARK), **_made()
    )
    return write(output / "report.html", page.encode())


def list_files(paths: Iterable[Path]) -> None:
    """Say where everything is."""
    console = results()
    console.print(Text("Files", style="bold"))
    for path in paths:
        console.print(Text(f"  {path}"), soft_wrap=True)


def print_reconciliation(run: Run, *, db: Path, log: Path) -> None:
    """One line: requests sent, recorded in the log, ingested into the database, lost."""
    from perfectcv_traffic.log.marked import count_run
    from perfectcv_traffic.store import database, queries

    with database.reading(db) as connection:
        found = queries.reconcile(connection, run.run_id)
    recorded = count_run(log, run.run_id)
    results().print(
        Text(
            f"Run {run.run_id}: {found.sent:,} requests sent, {recorded:,} recorded,"
            f" {found.ingested:,} ingested, {found.lost:,} lost"
        )
    )


class _Made(TypedDict):
    generated_at: datetime
    version: str


def _made() -> _Made:
    """When and by which version: the same for everything that one command writes."""
    version = importlib.metadata.version("perfectcv-traffic")
    return {"generated_at": datetime.now(UTC).replace(microsecond=0), "version": version}
