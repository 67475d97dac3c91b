"""Files of the store for nobody but their owner: they hold what the log holds.

Only what is made here gets the mode: whoever lets others read an existing file keeps that. SQLite
gives the write-ahead log and what belongs to it the mode of the database.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

MODE = 0o600


def claim(path: Path) -> None:
    """Make an empty private file if there is none; SQLite takes that for a new database.

    It appears under its name when it is closed: closing any descriptor of a database drops the
    locks that this process has on it. Where there are no modes (Windows) nothing is done, nor
    where it cannot be made: SQLite says why.
    """
    if os.name != "posix" or path.exists():
        return
    with suppress(OSError):
        target = Path(os.path.realpath(path))  # a link may lead to a file that is not there yet
        descriptor, draft = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            os.close(descriptor)
            os.link(draft, target)
        finally:
            Path(draft).unlink()


def opener(path: str, flags: int) -> int:
    """For `open`: a file that is made is private."""
    return os.open(path, flags, MODE)
