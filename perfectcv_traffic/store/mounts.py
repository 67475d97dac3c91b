"""File systems on which SQLite's write-ahead log cannot be shared between processes."""

from __future__ import annotations

import re
from pathlib import Path

from perfectcv_traffic.errors import StorageError

MOUNTS = Path("/proc/self/mounts")
_NETWORK = re.compile(r"(nfs\d?|cifs|smb\w*|9p|afs|ceph|glusterfs|lustre|fuse\..+)\Z")
_ESCAPE = re.compile(r"\\([0-7]{3})")


def require_local(db: Path, mounts: Path = MOUNTS) -> None:
    """Raise `StorageError` for a database on a network file system, where that can be told."""
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return
    kind = _kind(db.absolute().resolve(), lines)
    if _NETWORK.match(kind):
        raise StorageError(
            f"database {db} would be on a network file system ({kind}), where SQLite's write-ahead "
            "log can be damaged: name a file on a local disk with --db"
        )


def _kind(path: Path, lines: list[str]) -> str:
    """The type of the file system of a path: that of its innermost mount, the last one there."""
    depth, found = -1, ""
    for line in lines:
        _, point, kind, *_ = line.split(" ")
        mounted = Path(_ESCAPE.sub(lambda octal: chr(int(octal[1], 8)), point))
        if path.is_relative_to(mounted) and len(mounted.parts) >= depth:
            depth, found = len(mounted.parts), kind
    return found
