"""What was sent against what was recorded, by request id: for `generate --reconcile`."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from perfectcv_traffic.cli import ingest
from perfectcv_traffic.cli.job import Job
from perfectcv_traffic.cli.terminal import results
from perfectcv_traffic.errors import ExitCode


def reconcile(job: Job, log: Path) -> int:
    """Ingest the log, compare each run of this job, and tell; the exit code."""
    from perfectcv_traffic.store import database, queries

    ingest.ingest([log], job.db)
    lost = 0
    with database.reading(job.db) as connection:
        for run_id in job.run_ids:
            found = queries.reconcile(connection, run_id)
            lost += found.lost + found.unexpected
            results().print(
                Text(
                    f"Run {run_id}: {found.sent:,} requests sent, {found.ingested:,} recorded,"
                    f" {found.lost:,} missing, {found.unexpected:,} unexpected"
                )
            )
    return ExitCode.FINDINGS if lost else ExitCode.OK
