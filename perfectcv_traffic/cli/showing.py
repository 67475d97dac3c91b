"""Showing the answers: printed, as files, and what was written where."""

from __future__ import annotations

import difflib
import importlib.metadata
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from perfectcv_traffic.cli import output
from perfectcv_traffic.cli.terminal import note, results, say
from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.sources.filters import Filters

if TYPE_CHECKING:
    from perfectcv_traffic.generate.run import Run
    from perfectcv_traffic.sources.answers import Answers


TABLES, JSON, CSV, MARKDOWN = "tables", "json", "csv", "markdown"
NO_FILTERS = Filters()


def form(*, json: bool, csv: bool, markdown: bool) -> str:
    """The one form that was asked for."""
    chosen = [
        name
        for name, is_chosen in zip((JSON, CSV, MARKDOWN), (json, csv, markdown), strict=True)
        if is_chosen
    ]
    if len(chosen) > 1:
        raise UsageError(f"--{chosen[0]} and --{chosen[1]} exclude each other")
    return chosen[0] if chosen else TABLES


def names(only: Sequence[str] | None, form_: str, *, option: str = "--only") -> list[str] | None:
    """The analyses that were asked for with an option, None for the usual ones."""
    from perfectcv_traffic.analysis.catalogue import ANALYSES

    known = [analysis.name for analysis in ANALYSES]
    for name in only or ():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise UsageError(f"{option} {name!r}: {hint}see analyze --list")
    if form_ == CSV and len(only or ()) != 1:
        raise UsageError("--csv prints one table: name its analysis with --only, see --list")
    return list(only) if only else None


def needed(names: list[str] | None, form_: str) -> Collection[str] | None:
    """The analyses that are shown in a form, None for all."""
    if form_ != TABLES or names:
        return names
    from perfectcv_traffic.render.tables import USUAL

    return USUAL


def list_analyses() -> None:
    """Print the name of every analysis and the question that it answers."""
    from perfectcv_traffic.analysis.catalogue import ANALYSES

    widest = max(len(analysis.name) for analysis in ANALYSES)
    for one in ANALYSES:
        output.say_line(f"{one.name:{widest}}  {one.question}", indent=widest + 2)


def note_nothing(answers: Answers) -> None:
    """Say that there were no requests, which tables of zeros may not tell."""
    if "totals" in answers and not answers["totals"]["requests"].sum():
        note(
            "no requests: none was recorded or chosen, or no line could be read"
            " (perfectcv-traffic ingest --explain 3 LOG shows how lines are read)"
        )


def print_as(
    answers: Answers,
    form_: str,
    *,
    names: Collection[str] | None = None,
    filters: Filters = NO_FILTERS,
) -> None:
    """Print the named analyses in a form, by default the usual ones."""
    if form_ == TABLES:
        from rich.text import Text

        from perfectcv_traffic.render.tables import WIDE, tables
        from perfectcv_traffic.render.text import chosen

        console = results()
        if described := chosen(filters.describe()):
            console.print(Text(described), end="\n\n")
        is_wide = console.width >= WIDE
        console.print(tables(answers, names, wide=is_wide, is_chosen=bool(filters.describe())))
        return
    wanted = {name: answers[name] for name in names} if names else answers
    if form_ == MARKDOWN:
        from perfectcv_traffic.render import markdown

        output.write([markdown.document(wanted, filters=filters.describe())])
        return
    from perfectcv_traffic.render import machine

    if form_ == CSV:
        (frame,) = wanted.values()
        output.write([machine.csv_text(frame)])
    else:
        text = machine.summary_json(wanted, filters=filters.describe(), **_made())
        output.write([text])


def write_charts(
    answers: Answers,
    output: Path,
    names: Collection[str] | None = None,
    filters: Filters = NO_FILTERS,
) -> list[Path]:
    """Write each chart as NAME.png."""
    from perfectcv_traffic.render.charts import save_charts
    from perfectcv_traffic.render.text import chosen

    return save_charts(answers, output, names, chosen=chosen(filters.describe()))


def write_json(answers: Answers, output: Path, filters: Filters = NO_FILTERS) -> Path:
    """Write `summary.json`."""
    from perfectcv_traffic.render.files import write
    from perfectcv_traffic.render.machine import summary_json

    text = summary_json(answers, filters=filters.describe(), **_made())
    return write(output / "summary.json", text.encode())


def write_markdown(answers: Answers, output: Path, filters: Filters = NO_FILTERS) -> Path:
    """Write `report.md`."""
    from perfectcv_traffic.render.files import write
    from perfectcv_traffic.render.markdown import document

    text = document(answers, filters=filters.describe())
    return write(output / "report.md", text.encode("utf-8", "backslashreplace"))


def write_report(answers: Answers, output: Path, filters: Filters = NO_FILTERS) -> Path:
    """Write `report.html`."""
    from perfectcv_traffic.render.charts import draw_charts
    from perfectcv_traffic.render.files import write
    from perfectcv_traffic.render.html import render_report
    from perfectcv_traffic.render.palette import DARK

    images = (draw_charts(answers), draw_charts(answers, DARK))
    page = render_report(answers, *images, filters=filters.describe(), **_made())
    return write(output / "report.html", page.encode())


def list_files(paths: Iterable[Path]) -> None:
    """Say where everything is."""
    say("Files", style="bold")
    for path in paths:
        say(f"  {path}")


def print_findings(answers: Answers, page: Path, run: Run) -> None:
    """One line: how many findings there are, what of the run failed 5xx, and the page to open."""
    from perfectcv_traffic.generate.statuses import SERVER_ERRORS

    counts = answers["findings"]["severity"].value_counts(sort=False)
    found = ", ".join(f"{count} of severity {severity}" for severity, count in counts.items())
    failed = sum(one.status in SERVER_ERRORS for one in run.outcomes)
    crashes = f"; {failed:,} requests failed 5xx" if failed else ""
    output.say_line(f"Findings: {found or 'none'}{crashes}; open {page}")


def print_reconciliation(run: Run, *, db: Path, log: Path) -> None:
    """One line: requests sent, recorded in the log, ingested into the database, lost."""
    from rich.text import Text

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
