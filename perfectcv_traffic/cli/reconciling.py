"""What was sent against what was recorded, by request id: at the end of `generate`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from rich.text import Text

from perfectcv_traffic.cli import ingest
from perfectcv_traffic.cli.job import Job
from perfectcv_traffic.cli.terminal import note, results
from perfectcv_traffic.errors import ExitCode, TrafficError

PATIENCE_SECONDS: Final = 3.0
"""How long the recorder may take to write its last lines."""
SECONDS_BETWEEN: Final = 0.1


def reconcile(job: Job, log: Path) -> int:
    """Ingest the log, compare each run of this job, and tell; the exit code."""
    from perfectcv_traffic.store import database, queries

    _wait_for_all(job, log)
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


def ingest_if_recorded(job: Job, log: Path) -> None:
    """Ingest the log if it is the one that records what was tested, so that `analyze` can compare
    at once; somebody else may be at it already."""
    from perfectcv_traffic.log.marked import count_run

    if not log.is_file() or not any(count_run(log, run_id) for run_id in job.run_ids):
        return
    _wait_for_all(job, log)
    try:
        ingest.ingest([log], job.db)
    except TrafficError as error:
        note(f"{log} was not ingested: {error}")


def _wait_for_all(job: Job, log: Path) -> None:
    """Wait until the log has all that was sent, or for as long as its recorder may take."""
    from perfectcv_traffic.log.marked import count_run
    from perfectcv_traffic.store import database, queries

    with database.reading(job.db) as connection:
        sent = {one: queries.reconcile(connection, one).sent for one in job.run_ids}
    end = time.monotonic() + PATIENCE_SECONDS
    while log.is_file() and time.monotonic() < end:
        if all(count_run(log, run_id) >= number for run_id, number in sent.items()):
            return
        time.sleep(SECONDS_BETWEEN)
