"""`perfectcv-traffic prune`: old requests away, or a client's; what they add up to stays."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from perfectcv_traffic.cli import output
from perfectcv_traffic.cli.options import DEFAULTS, Db, typed_option
from perfectcv_traffic.cli.terminal import note
from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.timestamps import before, stamp

OlderThan = Annotated[str | None, typed_option("--older-than", help="Age that goes: 30d, 12h, 2w.")]
KeepRows = Annotated[int | None, typed_option("--keep-rows", help="Requests that stay.", min=0)]
MaxBytes = Annotated[
    str | None, typed_option("--max-size", help="Size that the database may have: 500M, 2G.")
]
Clients = Annotated[
    list[str] | None,
    typed_option("--client", help="Client whose requests go: an address or a masked token."),
]

_AGE = re.compile(r"(\d{1,4000})\s*([hdw])\Z")
_HOURS = {"h": 1, "d": 24, "w": 168}
_SIZE = re.compile(r"(\d{1,4000})\s*([kmg]?)b?\Z", re.IGNORECASE)
_BYTES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def prune(
    db: Db = Path(DEFAULTS.db),
    older_than: OlderThan = None,
    keep_rows: KeepRows = None,
    max_size: MaxBytes = None,
    client: Clients = None,
) -> None:
    """Delete the oldest requests, or all of a client.

    Counts and summaries of them stay, but for the windows of clients by the hour.
    """
    from perfectcv_traffic.store.database import require
    from perfectcv_traffic.store.forget import forget
    from perfectcv_traffic.store.retention import Retention, without_time
    from perfectcv_traffic.store.retention import prune as delete
    from perfectcv_traffic.store.schema import backups

    if older_than is None and keep_rows is None and max_size is None and not client:
        raise UsageError("prune needs --older-than, --keep-rows, --max-size or --client")
    require(db)
    end = _before(older_than, datetime.now(UTC)) if older_than else None
    size = _size(max_size) if max_size else None
    forgotten = forget(db, client, notice=note) if client else {}
    deleted = sum(forgotten.values())
    deleted += delete(db, Retention(before=end, rows=keep_rows, size=size), notice=note)
    output.say_line(f"{db}: {deleted} requests deleted{', their summary kept' if deleted else ''}")
    if older_than and (untimed := without_time(db)):
        note(
            f"{untimed} requests have no time: they go by --older-than once their log was not"
            " read anything new from for so long, else by --keep-rows or --max-size"
        )
    for one, count in forgotten.items():
        if not count:
            note(f"no request of client {one} is stored")
    if any(forgotten.values()):
        note("the log files still hold these requests: delete or rotate them away as well")
    if forgotten and (copies := backups(db)):
        names = ", ".join(map(str, copies))
        note(f"what the database held before an upgrade is still in {names}: delete it as well")


def _before(age: str, now: datetime) -> str:
    match = _AGE.match(age.strip().lower())
    if not match:
        raise UsageError(f"--older-than={age}: a number and h, d or w, as in 30d")
    try:
        length = timedelta(hours=int(match[1]) * _HOURS[match[2]])
    except OverflowError:
        length = timedelta.max
    return stamp(before(now, length))


def _size(size: str) -> int:
    match = _SIZE.match(size.strip())
    if not match:
        raise UsageError(f"--max-size={size}: a number and K, M or G, as in 500M")
    return int(match[1]) * _BYTES[match[2].lower()]
