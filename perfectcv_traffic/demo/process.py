"""A served application in a process of its own, which never outlives the one that started it."""

from __future__ import annotations

import queue
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from perfectcv_traffic import module_command
from perfectcv_traffic.capture import child
from perfectcv_traffic.errors import TargetError
from perfectcv_traffic.store import private

START_SECONDS = 30.0
STOP_SECONDS = 10.0
_ANNOUNCED = re.compile(
    r"listening on (http://127\.0\.0\.1:\d+)(?:, recording in its own log (\S.*?))?\s*$"
)
"""The application may say that it listens, too: to something else."""


class Served(NamedTuple):
    """An application that runs."""

    address: str
    log: Path
    """Where it is recorded: in its own log, if it has called `setup_monitoring` itself."""


def announcement(address: str, *, log: Path, own: Path) -> str:
    """The line that tells where an application listens, and its log if that is not `log`."""
    told = "" if own == log.absolute() else f", recording in its own log {own}"
    return f"listening on {address}{told}"


@contextmanager
def served(app: str | None, *, log: Path, port: int, output: Path) -> Iterator[Served]:
    """A monitored application (None: the demo API), served while in the context.

    What the application prints goes to the file `output`, its owner's alone if it is made: there
    may be a secret in it. Raises `TargetError` if it does not start.
    """
    command = module_command.python("perfectcv_traffic", "demo", "--until-stdin-closes")
    command += ["--port", str(port), "--log", str(log), *(["--app", app] if app else [])]
    with open(output, "wb", opener=private.opener) as errors:
        process = _start(command, errors)
        try:
            address, own = _announced(process, output)
            yield Served(address, Path(own) if own else log)
        finally:
            child.end(process, patience=STOP_SECONDS)
            if process.stdout:
                process.stdout.close()


def _start(command: Sequence[str], errors: IO[bytes]) -> subprocess.Popen[bytes]:
    # In a group of its own the log is complete before we go on.
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, **child.OWN_GROUP
    )


def _announced(process: subprocess.Popen[bytes], output: Path) -> tuple[str, str | None]:
    """The address, and the application's own log if it has one."""
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read_lines, args=(process.stdout, lines), daemon=True).start()
    end = time.monotonic() + START_SECONDS  # an application may print for ever
    try:
        while (line := lines.get(timeout=max(0.0, end - time.monotonic()))) is not None:
            if announced := _ANNOUNCED.search(line):
                return announced[1], announced[2]
    except queue.Empty:
        raise TargetError(
            f"the application did not answer within {START_SECONDS:.0f} s; what it printed is in "
            f"{output}"
        ) from None
    raise TargetError(_last_words(output))


def _read_lines(stream: IO[bytes] | None, lines: queue.Queue[str | None]) -> None:
    for line in stream or ():
        lines.put(line.decode("utf-8", "replace"))
    lines.put(None)


def _last_words(output: Path) -> str:
    printed = output.read_text("utf-8", "replace").splitlines()
    own = [line for line in printed if line.startswith("perfectcv-traffic: ")]
    reason = own[-1].removeprefix("perfectcv-traffic: ") if own else "it ended without a word"
    # An application that fails prints more than our line of it.
    return reason if len(printed) == 1 else f"{reason}; what it printed is in {output}"
