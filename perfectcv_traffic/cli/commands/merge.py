"""`perfectcv-traffic merge`: databases of several hosts in one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfectcv_traffic.cli import interrupts, output
from perfectcv_traffic.cli.options import DEFAULTS, Db
from perfectcv_traffic.cli.terminal import note

Sources = Annotated[list[Path], typer.Argument(help="Databases to take requests from.")]


def merge(sources: Sources, db: Db = Path(DEFAULTS.db)) -> None:
    """Add the requests of other databases that are missing."""
    from perfectcv_traffic.store.merge import merge as take

    for source in sources:
        with interrupts.heard():
            merged = take(db, source, notice=note)
        output.say_line(f"{source}: {merged.new} new + {merged.duplicate} known")
