"""`perfectcv-traffic check`: thresholds for CI and cron, by exit code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from perfectcv_traffic.cli import output
from perfectcv_traffic.cli.filtering import filtered
from perfectcv_traffic.cli.moments import share, span
from perfectcv_traffic.cli.options import DEFAULTS, Db, option
from perfectcv_traffic.cli.source import source
from perfectcv_traffic.cli.terminal import note
from perfectcv_traffic.cli.webhook import Webhook
from perfectcv_traffic.errors import ExitCode, UsageError
from perfectcv_traffic.sources import answers
from perfectcv_traffic.sources.filters import Filters

Logs = Annotated[
    list[str] | None,
    typer.Argument(help="Logs to check directly, paths or URLs; else the database."),
]
MaxErrorRate = Annotated[
    str | None, option("--max-error-rate", help="Most requests that may fail 5xx: 1%.")
]
MaxP95 = Annotated[str | None, option("--max-p95", help="Longest 95th percentile: 500ms.")]
MaxNulls = Annotated[
    str | None, option("--max-rate-of-null", help="Most requests that may carry a null: 5%.")
]
NoAuthFindings = Annotated[
    bool,
    option("--no-auth-findings", help="No protected endpoint may answer without a valid token."),
]
NoFindings = Annotated[bool, option("--no-findings", help="There may be no finding at all.")]
MinRequests = Annotated[
    int, option("--min-requests", help="Fewest requests that prove something.", min=0)
]
Format = Annotated[str, option("--format", help="text, json, junit or github.", of="check")]
WebhookUrl = Annotated[
    str | None, option("--webhook", help="URL to post the verdicts to when rules are violated.")
]
Cooldown = Annotated[
    str, option("--cooldown", help="How long the webhook is not told the same again: 1h.")
]

ALERTS = ".alerts.json"
"""Ends the name of the file that remembers what webhooks were told."""


@filtered
def check(
    logs: Logs = None,
    db: Db = Path(DEFAULTS.db),
    max_error_rate: MaxErrorRate = None,
    max_p95: MaxP95 = None,
    max_rate_of_null: MaxNulls = None,
    no_auth_findings: NoAuthFindings = False,
    no_findings: NoFindings = False,
    min_requests: MinRequests = 1,
    format_: Format = "text",
    webhook: WebhookUrl = None,
    cooldown: Cooldown = "1h",
    *,
    filters: Filters,
    asked: Mapping[str, object],
) -> None:
    """Exit 1 if a threshold is violated, one line each; 0 if all hold.

    Without any threshold no protected endpoint may have answered without a valid token.
    """
    from perfectcv_traffic.analysis.health import gaps
    from perfectcv_traffic.analysis.thresholds import NEEDED, Thresholds, judge, protected
    from perfectcv_traffic.render.verdicts import FORMATS

    if format_ not in FORMATS:
        raise UsageError(f"--format {format_!r}: choose from {', '.join(FORMATS)}")
    rules = (max_error_rate, max_p95, max_rate_of_null, no_findings or None)
    thresholds = Thresholds(
        min_requests=min_requests,
        max_error_rate=share(max_error_rate) if max_error_rate is not None else None,
        max_p95_ms=None if max_p95 is None else span(max_p95).total_seconds() * 1000,
        max_null_rate=share(max_rate_of_null) if max_rate_of_null is not None else None,
        no_auth_findings=no_auth_findings or not any(one is not None for one in rules),
        no_findings=no_findings,
    )
    quiet = span(cooldown)
    hook = webhook and Webhook(webhook, quiet, _beside(db, logs), check=(thresholds, asked))
    if no_findings and not logs:
        _require_rows(db)
    results = answers.of(source(db, logs, filters), names=(*NEEDED, "health"))
    verdicts = judge(results, thresholds)
    output.write([FORMATS[format_](verdicts)])
    violated = sum(not one.holds for one in verdicts)
    rules_checked = ", ".join(one.rule for one in verdicts)
    note(f"{len(verdicts)} rules checked ({rules_checked}), {violated} violated")
    for gap in gaps(results["health"]):
        note(gap)
    if thresholds.no_auth_findings and not protected(results):
        note("no request went to an endpoint that declares authentication: that proves nothing")
    if hook and (problem := hook.tell(verdicts, datetime.now(UTC))):
        note(problem)
    if violated:
        raise typer.Exit(ExitCode.FINDINGS)


def _beside(db: Path, logs: Sequence[str] | None) -> Path:
    """The file that remembers what webhooks were told: beside the first log, or the database."""
    from perfectcv_traffic.fold.files import is_url

    first = Path(logs[0]) if logs and not is_url(logs[0]) else db
    return first.with_name(first.name + ALERTS)


def _require_rows(db: Path) -> None:
    """Without its requests a database has fewer findings than there may be."""
    from perfectcv_traffic.store import counted, database

    with database.reading(db) as connection:
        counted.require_rows(connection, "all findings")
