"""`perfectcv-traffic backup`: a whole copy of a database, also while it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfectcv_traffic.cli import output
from perfectcv_traffic.cli.options import DEFAULTS, Db

Copy = Annotated[Path, typer.Argument(help="The copy to make.")]


def backup(copy: Copy, db: Db = Path(DEFAULTS.db)) -> None:
    """Copy the database, also while it is written, and check the copy."""
    from perfectcv_traffic.store import doctor as store

    store.back_up(db, copy)
    output.say_line(f"{copy}: a whole copy of {db}")
