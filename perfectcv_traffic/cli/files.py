"""Reports go to stdout, or to the files that were named for them."""

from __future__ import annotations

from pathlib import Path

from perfectcv_traffic.cli import streaming
from perfectcv_traffic.errors import StorageError


def tell(text: str, path: Path | None) -> None:
    """Write a report. Raises `StorageError` if its file cannot be written."""
    if path is None:
        streaming.write([text])
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror}: choose another --output"
        ) from error
