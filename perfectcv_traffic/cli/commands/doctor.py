"""`perfectcv-traffic doctor`: whether a database is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from perfectcv_traffic.cli import interrupts, output
from perfectcv_traffic.cli.options import DEFAULTS, Db, Json, option
from perfectcv_traffic.cli.terminal import note
from perfectcv_traffic.errors import ExitCode

Deep = Annotated[
    bool, option("--deep", help="Read every page and compare the summary with the rows.")
]
Rebuild = Annotated[
    bool, option("--rebuild-summary", help="Make the summary anew from the stored requests.")
]


def doctor(
    db: Db = Path(DEFAULTS.db),
    deep: Deep = False,
    rebuild_summary: Rebuild = False,
    as_json: Json = False,
) -> None:
    """Check the database; exits with 3 when something is wrong."""
    from perfectcv_traffic.store import doctor as store

    if rebuild_summary:
        with interrupts.heard():
            store.rebuild_summary(db, notice=note)
    checks = store.examine(db, deep=deep)
    if as_json:
        output.write([msgspec.json.encode([check._asdict() for check in checks]).decode() + "\n"])
    else:
        for check in checks:
            output.say_line(f"{'ok   ' if check.is_ok else 'WRONG'} {check.name}: {check.detail}")
    if not all(check.is_ok for check in checks):
        raise typer.Exit(ExitCode.STORAGE)
