"""Reports go to stdout, or to the files that were named for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perfectcv_traffic.cli import streaming
from perfectcv_traffic.errors import StorageError


def tell(text: str, path: Path | None) -> None:
    """Write a report. Raises `StorageError` if its file cannot be written."""
    if path is None:
        streaming.write([text])
        return
    with writing(path):
        path.write_text(text, encoding="utf-8")


@contextmanager
def writing(path: Path, option: str = "--output") -> Iterator[None]:
    """A file is written in the context, in a folder that is made. Raises `StorageError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror}: choose another {option}"
        ) from error


def require_writable(path: Path, option: str = "--output") -> None:
    """Raise `StorageError` for what could not be written when the work for it is done."""
    if path.exists() and not path.is_file() and not path.is_dir():
        return  # a pipe must not be opened twice, a device need not
    with writing(path, option):
        is_new = not path.exists()
        path.open("ab").close()
        if is_new:
            path.unlink()
