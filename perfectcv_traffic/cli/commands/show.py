"""`perfectcv-traffic show`: everything recorded of one request."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Annotated, Any

import typer

from perfectcv_traffic.cli import output
from perfectcv_traffic.cli.options import DEFAULTS, Db, option
from perfectcv_traffic.cli.terminal import results
from perfectcv_traffic.errors import UsageError

RequestId = Annotated[
    str, typer.Argument(help="Request id, as findings and reports name it, or its beginning.")
]
As = Annotated[str | None, option("--as", help="curl, httpx or pytest: to send it again.")]


def show(request_id: RequestId, db: Db = Path(DEFAULTS.db), as_: As = None) -> None:
    """Print a recorded request, or a command that repeats it."""
    from perfectcv_traffic.render.replay import FORMS
    from perfectcv_traffic.render.tables import record

    if as_ is not None and as_ not in FORMS:
        raise UsageError(f"--as {as_!r}: choose from {', '.join(FORMS)}")
    found = _find(request_id, db)
    if as_ is not None:
        output.write([FORMS[as_](found)])
    else:
        results().print(record(found), soft_wrap=True)


def _find(request_id: str, db: Path) -> dict[str, Any]:
    """The latest request of that id, or of the only id that begins so."""
    from perfectcv_traffic.store import counted, database

    with database.reading(db) as connection:
        if counted.is_summary(connection):
            counted.require_rows(connection, "single requests")
        found = _latest(connection, request_id)
        if found is None and request_id:
            found = _latest(connection, _whole(connection, request_id))
    if found is None:
        raise UsageError(f"no request {request_id!r} in {db}: ids are in findings and exports")
    return found


def _latest(connection: sqlite3.Connection, request_id: str | None) -> dict[str, Any] | None:
    from perfectcv_traffic.store import queries

    cursor = connection.execute(
        f"SELECT * FROM api_requests WHERE {queries.HAS_REQUEST_ID} ORDER BY id DESC LIMIT 1",
        (request_id,),
    )
    row = cursor.fetchone()
    names = [column[0] for column in cursor.description]
    return None if row is None else dict(zip(names, row, strict=True))


def _whole(connection: sqlite3.Connection, beginning: str) -> str | None:
    """The request id that begins so; None if there is none."""
    from perfectcv_traffic.store import queries

    found = connection.execute(
        f"SELECT DISTINCT request_id FROM api_requests WHERE {queries.REQUEST_ID_BEGINS} LIMIT 2",
        (beginning,),
    ).fetchall()
    if len(found) > 1:
        raise UsageError(f"several request ids begin with {beginning!r}: give more of it")
    return found[0][0] if found else None
