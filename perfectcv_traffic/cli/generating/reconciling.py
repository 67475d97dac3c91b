"""What was sent against what was recorded, by request id: at the end of `generate`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.text import Text

from perfectcv_traffic.cli.commands import ingest
from perfectcv_traffic.cli.generating.job import Job
from perfectcv_traffic.cli.terminal import note, results
from perfectcv_traffic.errors import ExitCode, LockedError, StorageError, TrafficError

if TYPE_CHECKING:
    from perfectcv_traffic.store.queries import Reconciliation

SECONDS_TO_RECORD: Final = 3.0
"""How long a recorder may take to write its last lines; one that keeps a sample never has all."""
SECONDS_TO_STORE: Final = 30.0
"""How long another ingester may take to store them."""
SECONDS_BETWEEN: Final = 0.1


def reconcile(job: Job, log: Path, *, is_for_people: bool) -> int:
    """Ingest the log, compare each run of this job, and tell; the exit code.

    Told on stderr where stdout holds a report for a program.
    """
    from perfectcv_traffic.store import database, queries

    require_log(log, job.target)
    store(log, job.db, job.run_ids)
    lost = 0
    with database.reading(job.db) as connection:
        for run_id in job.run_ids:
            found = queries.reconcile(connection, run_id)
            lost += found.lost + found.unexpected
            (_print if is_for_people else note)(
                f"Run {run_id}: {found.sent:,} requests sent, {found.ingested:,} recorded,"
                f" {found.lost:,} missing, {found.unexpected:,} unexpected"
            )
    return ExitCode.FINDINGS if lost else ExitCode.OK


def _print(line: str) -> None:
    results().print(Text(line))


def ingest_if_recorded(job: Job, log: Path) -> None:
    """Ingest the log if it is the one that records what was tested, so that `analyze` can compare
    at once; somebody else may be at it already."""
    from perfectcv_traffic.log.marked import count_run

    if not log.is_file() or not any(count_run(log, run_id) for run_id in job.run_ids):
        return
    try:
        store(log, job.db, job.run_ids)
    except TrafficError as error:
        note(f"{log} was not ingested: {error}")


def require_log(log: Path, api: str) -> None:
    """Raise `StorageError` if the API, which has answered, has not made the log."""
    if not _until(log.exists, SECONDS_TO_RECORD):
        raise StorageError(
            f"log {log} does not exist: {api} records elsewhere, or not at all: give its log with"
            " --log, or call setup_monitoring in it"
        )


def tell_own_log(own: Path, log: Path) -> None:
    """Say that a served application has another log than it was told to have."""
    if own != log:
        note(f"the application calls setup_monitoring itself: its log is {own}, not --log {log}")


def tell_if_elsewhere(log: Path, run_id: str, api: str) -> None:
    """Say why nothing of a run was recorded, if that is so."""
    from perfectcv_traffic.log.marked import count_run

    if not count_run(log, run_id):
        note(f"{log} has none of these requests: {api} records elsewhere: give its log with --log")


def store(log: Path, db: Path, run_ids: Sequence[str]) -> None:
    """Bring what the log records of some runs into the database, once it records all of it.

    An API that runs has an ingester of its own at the database: then that one is waited for.
    Raises `LockedError` if it does not store them, because it reads another log.
    """
    _until(lambda: not log.is_file() or _is_recorded(log, db, run_ids), SECONDS_TO_RECORD)
    try:
        ingest.ingest([log], db)
    except LockedError:
        if not _until(lambda: _is_stored(log, db, run_ids), SECONDS_TO_STORE):
            raise
        note(f"{db}: the ingester of the API has stored what was recorded")


def _is_recorded(log: Path, db: Path, run_ids: Sequence[str]) -> bool:
    return all(recorded >= found.sent for recorded, found in _recorded_and_found(log, db, run_ids))


def _is_stored(log: Path, db: Path, run_ids: Sequence[str]) -> bool:
    return all(
        found.ingested >= recorded for recorded, found in _recorded_and_found(log, db, run_ids)
    )


def _recorded_and_found(
    log: Path, db: Path, run_ids: Sequence[str]
) -> list[tuple[int, Reconciliation]]:
    """For each run, how many lines the log has of it and what the database knows."""
    from perfectcv_traffic.log.marked import count_run
    from perfectcv_traffic.store import database, queries

    with database.reading(db) as connection:
        return [(count_run(log, one), queries.reconcile(connection, one)) for one in run_ids]


def _until(holds: Callable[[], bool], seconds: float) -> bool:
    """Wait until it holds, or for so long; whether it does."""
    end = time.monotonic() + seconds
    while not (done := holds()) and time.monotonic() < end:
        time.sleep(SECONDS_BETWEEN)
    return done
