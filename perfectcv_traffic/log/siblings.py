"""Rotated files beside a log: `api_traffic.log.1`, `-20260102.gz`, `.1-2026010205.backup`."""

from __future__ import annotations

import os
import re
from pathlib import Path

# logrotate moves a file that is in its way to NAME-YYYYMMDDHH.backup, compressed or not.
_SUFFIX = re.compile(
    r"[._-]\d[\d._:T-]*(?:\.(?:gz|bz2|xz|zst))?(?:-\d+)?(?:\.backup)?(?:\.(?:gz|bz2|xz|zst))?\Z"
)


def is_rotated_name(log_name: str, name: str) -> bool:
    """Whether a file of this name is a rotated generation of the log."""
    if name.startswith(log_name) and _SUFFIX.match(name[len(log_name) :]):
        return True
    stem, dot, extension = log_name.rpartition(".")  # api_traffic-20260102.log
    if not dot or not name.startswith(stem):
        return False
    middle, _, rest = name[len(stem) :].partition(f".{extension}")
    return bool(middle) and bool(_SUFFIX.match(middle + rest))


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
