"""`perfectcv-traffic demo`: serve the demo API, or another application, with the recorder on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from perfectcv_traffic.cli import output
from perfectcv_traffic.cli.options import DEFAULTS, App, Log, Port, option

UntilStdinCloses = Annotated[
    bool,
    option(
        "--until-stdin-closes",
        help="Stop when standard input ends: for programs that start this.",
        of="demo",
    ),
]


def demo(
    app: App = None,
    port: Port = 8000,
    log: Log = Path(DEFAULTS.log),
    until_stdin_closes: UntilStdinCloses = False,
) -> None:
    """Serve the demo API, recorded, until Ctrl-C.

    With --app it serves another application.
    """
    from perfectcv_traffic.demo import process, serve

    serve.serve(
        serve.load(app),
        log=log,
        port=port,
        announce=lambda address, own: output.write(
            [f"{process.announcement(address, log=log, own=own)}\n"]
        ),
        until=sys.stdin.buffer if until_stdin_closes else None,
    )
