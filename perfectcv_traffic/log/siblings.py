"""Rotated files beside a log: `api_traffic.log.1`, `-20260102.gz`, `.1-2026010205.backup`."""

from __future__ import annotations

import os
import re
from pathlib import Path

# Year first or last, with what comes before the day at least, or the seconds since 1970. Without a
# date, a number behind a hyphen is a port or a worker: `api-8001.log` is a log of its own.
_DATE = (
    r"(?:(?:19|20)\d\d(?:[._:T-]?\d\d){1,5}|\d\d[._-]?\d\d[._-]?(?:19|20)\d\d|1\d{9})"
    r"(?:[._:T-][\d._:T-]*)?"
)
_COMPRESSED = r"(?:\.(?:gz|bz2|xz|zst))?"
# logrotate moves a file that is in its way to NAME-YYYYMMDDHH.backup, compressed or not.
_END = rf"{_COMPRESSED}(?:-\d+)?(?:\.backup)?{_COMPRESSED}\Z"
_BEHIND = re.compile(rf"(?:[._-]{_DATE}|\.\d[\d._:T-]*){_END}")
"""What follows the whole name of a log."""

_WITHIN = re.compile(rf"(?:[._-]{_DATE}|\.\d{{1,3}}){_END}")
"""What stands before the extension, and follows it."""


def is_rotated_name(log_name: str, name: str) -> bool:
    """Whether a file of this name is a rotated generation of the log."""
    if name.startswith(log_name) and _BEHIND.match(name[len(log_name) :]):
        return True
    stem, dot, extension = log_name.rpartition(".")  # api_traffic-20260102.log
    if not dot or not name.startswith(stem):
        return False
    middle, _, rest = name[len(stem) :].partition(f".{extension}")
    return bool(middle) and bool(_WITHIN.match(middle + rest))


def rotated(log: Path) -> list[Path]:
    """Rotated files of a log, oldest first; a symlink's are looked for beside its target too."""
    found: dict[Path, int] = {}
    for place in {log.absolute(), log.resolve()}:
        try:
            entries = list(os.scandir(place.parent))
        except OSError:
            continue
        for entry in entries:
            if is_rotated_name(place.name, entry.name):
                path = Path(entry.path)
                if (modified := _modified(path)) is not None:
                    found[path] = modified
    return sorted(found, key=lambda path: (found[path], path.name))


def _modified(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns if path.is_file() else None
    except OSError:  # renamed meanwhile: found under its new name next time
        return None
