"""Writing what was rendered."""

from __future__ import annotations

from pathlib import Path

from perfectcv_traffic.errors import StorageError


def write(path: Path, content: bytes) -> Path:
    """Write a file, making its directory; the path, for a list of what was written.

    Raises `StorageError` if it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(f"cannot write {path}: {reason}; choose another place for it") from error
    return path
