"""Write the reference pages that derive from the code; `--check` only tells if they are current.

Usage: python docs/reference.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

from pages.commands import commands
from pages.database import database
from pages.markdown import NOTE, table
from pages.modules import modules
from pages.rules import rules

from perfectcv_traffic import record, settings
from perfectcv_traffic.errors import ExitCode
from perfectcv_traffic.summary import summary, tables

HERE = Path(__file__).parent


RECORD_INTRODUCTION = """\
A line of `api_traffic.log` is one JSON object with these fields, in this order. A field that has
its default is left out: null, a zero count, an empty path, query, summary or list, `nulls_partial`
of false, `weight` of 1. A row of the table `api_requests` has the same names, and all of them. A
`?` marks fields that may be null: not recorded. Objects and lists are JSON text in the database."""

SETTINGS_INTRODUCTION = """\
A setting is looked for in the call (`setup_monitoring(app, body_limit=0)`) or on the command line,
then in the environment, then here. Lists in the environment are separated by blanks or
commas, those within `{1,3}` and `[a, b]` of a regular expression excepted. An empty variable is as
good as none, but makes a list empty."""


def record_page() -> str:
    """The fields of the traffic record."""
    rows = (
        (f"`{field.name}`", field.type_name, field.unit, field.meaning) for field in record.fields()
    )
    return "\n\n".join(
        (
            "# The traffic record",
            NOTE,
            RECORD_INTRODUCTION,
            table(("field", "type", "unit", "meaning"), rows),
        )
    )


def settings_page() -> str:
    """The settings of recorder and commands."""
    rows = (
        (f"`{row.name}`", f"`{row.default!r}`", row.allowed, f"`{row.variable}`", row.meaning)
        for row in settings.table()
    )
    return "\n\n".join(
        (
            "# Settings",
            NOTE,
            SETTINGS_INTRODUCTION,
            table(("setting", "default", "allowed", "environment variable", "meaning"), rows),
        )
    )


def tables_page() -> str:
    """The summary tables of the database, and the exit codes."""
    parts = ["# Summary tables", NOTE, summary.__doc__ or ""]
    for one in tables.TABLES:
        columns = (
            (f"`{column.name}`", column.sql_type, column.merge or "key", column.meaning)
            for column in (*one.keys, *one.measures)
        )
        parts += [f"## `{one.name}`: {one.meaning}"]
        parts += [table(("column", "type", "merged by", "meaning"), columns)]
    return "\n\n".join(parts)


EXIT_CODES_INTRODUCTION = """\
What a command tells the script that called it. Messages are on stderr, one line: what failed,
where, and what to do next. A file that cannot be used is 3, also an OpenAPI document; one that was
fetched from a URL is 4."""


def exit_codes_page() -> str:
    """The exit codes."""
    rows = ((code.value, code.name.lower(), code.meaning) for code in ExitCode)
    return "\n\n".join(
        ("# Exit codes", NOTE, EXIT_CODES_INTRODUCTION, table(("code", "name", "meaning"), rows))
    )


ANALYSES_INTRODUCTION = """\
`perfectcv-traffic analyze` computes these from the database, or straight from the logs that are
named; a log and the database made from it give the same answers. The expectations of generated
traffic are known to a database alone.

All but a few rest on the whole traffic that was chosen. Those that say "among the latest requests"
read single requests, at most the {most:,} with the latest times: what no summary keeps. (Of several
logs that are named and have more, those at the end of the last ones.) Findings rest on the whole
traffic where they count, and on the latest requests where they name some as evidence. Of the paths
that no route is known for, and of the fields that were null, at most {groups:,} are kept apart (and
as many of those answered 4xx); the rest is added up as `(other)`, however many a scanner makes up.

`--since "2h ago"`, `--until`, `--path`, `--method`, `--status`, `--token`, `--scenario` and
`--client` choose the requests; without any, the summary tables are read instead of the rows. They
count what `prune` took away, too: where filters would have found some of it, a note says so.
`--only NAME` shows one analysis, `--csv`, `--markdown` and `--json` print it for other programs,
`--compare` holds it against an earlier database, an earlier log, or the time just before `--since`
(of an earlier database or log everything counts: `--since` and `--until` are of the later one).
Times are UTC everywhere, in what is typed too unless it says otherwise (`2026-11-21T22:05+01:00`).

What is counted is what was recorded. Where the recorder keeps a sample (`sample_rate`), errors,
slow requests and those with a null are always kept, so that their shares, and durations, are higher
than those of all requests; `health`, the report and `check` say so, and
`query "SELECT sum(weight) FROM api_requests WHERE status_code >= 500"` estimates a number of all.

Words: a client error is an answer 4xx, a server error an answer 5xx. A request failed, here and
under `/admin`, when it was answered 4xx or 5xx or not at all; where one side alone is meant, it
says so: "failed 5xx". An exception, or the reason that an answer gave, is the record's
`error_message`.

Quantiles are by nearest rank from a sketch that is at most 1 % off, never outside the true minimum
and maximum. Everything else is exact."""

RULES_INTRODUCTION = """\
Rules are those of `generate`, and some that only traffic over time can break. Recorded traffic
shows how often something happens, a probe why: PT201 is an error of `generate`, here a warning.
`perfectcv-traffic explain PT301` says what to do. PT301 to PT303 leave generated traffic out: it is
meant to be refused and to fail. It says itself that it is, by a header, which anybody can send: it
is believed of a run that the database knows, and of addresses of this machine. PT201 names the
nulls that fail most often, until they account for all failures with a null: a null that only comes
along with one of these is not blamed."""


OWN_TEXT = """\
A new analysis is one function from `Frames` to a `DataFrame` in `perfectcv_traffic/analysis/`, and
one entry in `ANALYSES` (`catalogue.py`) with its name, title and question. Tables, page, JSON,
`--only` and this page follow from the entry. A column that no other table has gets its heading and
format in `COLUMNS` (`render/columns.py`); until then it reads as its name and in a plain format. A
chart is one function in `render/charts.py` and its entry in `CHARTS`. The tests fail until all of
it is declared. [Add an analysis](../CONTRIBUTING.md#add-an-analysis) is a worked example."""


def analyses_page() -> str:
    """The analyses, the rules of passive findings, and how to add one."""
    from perfectcv_traffic.analysis.catalogue import ANALYSES
    from perfectcv_traffic.analysis.latest import MOST
    from perfectcv_traffic.analysis.traffic_rules import TRAFFIC_RULES
    from perfectcv_traffic.render.charts import CHARTS
    from perfectcv_traffic.summary.overview import MAX_GROUPS

    rows = (
        (
            f"`{one.name}`",
            one.question,
            (one.compute.__doc__ or "").partition("\n")[0]
            + (f" At most {one.most} rows." if one.most else ""),
            f"`{one.name}.png`" if one.name in CHARTS else "",
        )
        for one in ANALYSES
    )
    introduction = ANALYSES_INTRODUCTION.format(most=MOST, groups=MAX_GROUPS)
    columns = table(("name", "question", "answer", "chart"), rows)
    parts = ["# Analyses", NOTE, introduction, columns]
    rules = table(("rule", "severity", "when"), ((r.id, r.severity, r.when) for r in TRAFFIC_RULES))
    parts += ["## Findings", RULES_INTRODUCTION, rules]
    return "\n\n".join([*parts, "## An analysis of your own", OWN_TEXT])


PAGES = {
    "analyses.md": analyses_page,
    "commands.md": commands,
    "database.md": database,
    "modules.md": modules,
    "record.md": record_page,
    "rules.md": rules,
    "settings.md": settings_page,
    "summary.md": tables_page,
    "exit-codes.md": exit_codes_page,
}


def main(arguments: list[str]) -> int:
    """Write the pages; with --check say which are stale and return 1 if any is."""
    stale = []
    for name, page in PAGES.items():
        path, text = HERE / name, page() + "\n"
        if not path.exists() or path.read_text("utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                path.write_text(text, "utf-8", newline="\n")
    sys.stdout.write(f"stale: {', '.join(stale)}\n" if stale else "the reference is current\n")
    return int("--check" in arguments and bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
