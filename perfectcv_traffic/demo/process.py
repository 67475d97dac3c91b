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
from typing import IO

from perfectcv_traffic import module_command
from perfectcv_traffic.capture import child
from perfectcv_traffic.errors import TargetError

START_SECONDS = 30.0
STOP_SECONDS = 10.0
ANNOUNCEMENT = "listening on "
_ANNOUNCED = re.compile(rf"{ANNOUNCEMENT}(http://127\.0\.0\.1:\d+)\s*$")
"""The application may say that it listens, too: to something else."""


@contextmanager
def served(app: str | None, *, log: Path, port: int, output: Path) -> Iterator[str]:
    """The address of a monitored application (None: the demo API), served while in the context.

    What the application prints goes to the file `output`. Raises `TargetError` if it does not
    start.
    """
    command = module_command.python("perfectcv_traffic", "demo", "--until-stdin-closes")
    command += ["--port", str(port), "--log", str(log), *(["--app", app] if app else [])]
    with output.open("wb") as errors:
        process = _start(command, errors)
        try:
            yield _address(process, output)
        finally:
            child.end(process, patience=STOP_SECONDS)
            if process.stdout:
                process.stdout.close()


def _start(command: Sequence[str], errors: IO[bytes]) -> subprocess.Popen[bytes]:
    # In a group of its own the log is complete before we go on.
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, **child.OWN_GROUP
    )


def _address(process: subprocess.Popen[bytes], output: Path) -> str:
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read_lines, args=(process.stdout, lines), daemon=True).start()
    end = time.monotonic() + START_SECONDS  # an application may print for ever
    try:
        while (line := lines.get(timeout=max(0.0, end - time.monotonic()))) is not None:
            if announced := _ANNOUNCED.search(line):
                return announced[1]
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
