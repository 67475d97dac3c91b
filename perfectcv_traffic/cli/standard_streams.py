"""The three streams that a program is started with: one may be closed, or take nothing at the end.

A service manager or `>&-` leaves them out. Then Python has None in their place, and the next file
that is opened gets the number of standard output.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

_NAMES = ("stdin", "stdout", "stderr")
"""In the order of their numbers."""


def open_missing() -> None:
    """Have what is read from, or written to, a stream that is closed come from, or go, nowhere."""
    for number, name in enumerate(_NAMES):
        if getattr(sys, name) is not None:
            continue
        nowhere = os.open(os.devnull, os.O_RDWR)
        if nowhere != number:
            os.dup2(nowhere, number)
            os.close(nowhere)
        mode = "w" if number else "r"
        setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def let_go_of_unwritable() -> None:
    """Drop what standard error takes no more: at its end Python would replace the exit code."""
    try:
        sys.stderr.flush()
    except OSError:
        with suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stderr.fileno())
            os.close(nowhere)
