"""How a module of this package is run in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

_HOME = Path(__file__).parents[1]
"""Where this package was found: perhaps nowhere else than in the working directory."""


def python(module: str, *arguments: object) -> list[str]:
    """The command that runs a module of this package.

    Not with the modules of the working directory: the application may have a `queue.py` there.
    """
    try:
        is_here = _HOME.samefile(".")
    except OSError:  # a working directory that was deleted
        is_here = False
    options = [] if is_here else ["-P"]
    return [sys.executable, *options, "-m", module, *map(str, arguments)]
