"""Child processes that stop when their standard input does: their beginning and their end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from perfectcv_traffic.settings import ENVIRONMENT_PREFIX

OWN_GROUP: dict[str, Any] = {"process_group": 0}
"""Options of a child in a group of its own: Ctrl-C reaches only us, it still does what is left.

Not in a session of its own: the scheduler of Linux shares a core out between sessions first, and
niceness counts only within one (`sched_autogroup`, on in most distributions).
"""
if sys.platform == "win32":
    OWN_GROUP = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}

_PYTHON = re.compile(r"python[\d.w]*|pypy[\d.w]*", re.IGNORECASE)


def environment() -> dict[str, str]:
    """The environment of a child that is told everything on its command line.

    A variable of ours was set for this process or for somebody's next command: an option that the
    child took from it would be nobody's choice.
    """
    return {
        name: value for name, value in os.environ.items() if not name.startswith(ENVIRONMENT_PREFIX)
    }


def require_python() -> None:
    """Raise OSError where this process is not run by a Python that could run a child.

    A frozen application or a server with Python inside it would start itself once more.
    """
    frozen = getattr(sys, "frozen", False)
    if frozen or not _PYTHON.fullmatch(Path(sys.executable or "").name.removesuffix(".exe")):
        raise OSError(f"{sys.executable!r} is no Python")


def start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """A child that ends with its standard input, and so with this process."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
        **OWN_GROUP,
    )
    if process.stdin and hasattr(os, "set_blocking"):  # on Windows since Python 3.12
        os.set_blocking(process.stdin.fileno(), False)
    return process


def give_way(process: subprocess.Popen[bytes], *, niceness: int) -> None:
    """Let a child run after its parent where there is a core for only one of them."""
    if sys.platform != "win32":
        with suppress(OSError):  # not allowed, or it ended already
            os.setpriority(os.PRIO_PROCESS, process.pid, niceness)


def end(process: subprocess.Popen[bytes], *, patience: float) -> None:
    """Ask it to end by closing its input, then insist; `patience` is seconds before each step."""
    if process.stdin:
        process.stdin.close()
    for insist in (process.terminate, process.kill):
        try:
            process.wait(patience)
            break
        except subprocess.TimeoutExpired:
            insist()
    process.wait()
