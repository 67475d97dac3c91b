"""The ingester that an API has of its own: whoever ingests its log beside it has nothing to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from perfectcv_traffic.capture import ingester
from perfectcv_traffic.errors import LockedError
from perfectcv_traffic.store import segments
from perfectcv_traffic.store.database import reading


@contextmanager
def told(logs: Sequence[Path], db: Path) -> Iterator[None]:
    """Say in place of "another ingester writes" that the API's own one stores these logs."""
    try:
        yield
    except LockedError as error:
        if not all(_is_stored_by_its_api(log, db) for log in logs):
            raise
        names = ", ".join(map(str, logs))
        raise LockedError(
            f"log {names}: the API that records it has an ingester at work, which stores it in"
            f" {db}: nothing is to be done; perfectcv-traffic ingest status --db {db} tells"
            " how far it is"
        ) from error


def _is_stored_by_its_api(log: Path, db: Path) -> bool:
    if not (db.is_file() and ingester.is_kept(log)):
        return False
    with reading(db) as connection:
        return segments.is_known(connection, log)
