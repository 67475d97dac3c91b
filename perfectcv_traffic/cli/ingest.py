"""`perfectcv-traffic ingest`: log files into the database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfectcv_traffic.cli.options import DEFAULTS, Db
from perfectcv_traffic.cli.terminal import note, progress

Logs = Annotated[list[Path] | None, typer.Argument(help="Log files.", show_default=DEFAULTS.log)]


def ingest(logs: Logs = None, db: Db = Path(DEFAULTS.db)) -> None:
    """Store the lines of LOG that are not stored yet, each exactly once."""
    from perfectcv_traffic.store import ingest as store

    files = logs or [Path(DEFAULTS.log)]
    with progress(
        "ingesting", total=sum(f.stat().st_size for f in files if f.is_file())
    ) as advance:
        counts = store.ingest(files, db, progress=advance)
    note(
        f"{db}: {counts.new} new + {counts.duplicate} duplicate + {counts.rejected} rejected"
        f" + {counts.blank} blank = {counts.lines} lines"
    )
