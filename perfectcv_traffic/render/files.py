"""Writing what was rendered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.store import private


def write(path: Path, content: bytes, *, is_private: bool = False) -> Path:
    """Write a file, making its directory; the path, for a list of what was written.

    `is_private`: one that is made is its owner's alone. Raises `StorageError` if it cannot be
    written.
    """
    with _writing(path), open(path, "wb", opener=private.opener if is_private else None) as file:
        file.write(content)
    return path


def require_writable(path: Path) -> None:
    """Raise `StorageError` for a file that could not be written when the work for it is done."""
    if path.exists() and not path.is_file() and not path.is_dir():
        return  # a pipe must not be opened twice, a device need not
    with _writing(path):
        is_new = not path.exists()
        path.open("ab").close()
        if is_new:
            path.unlink()


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(f"cannot write {path}: {reason}; choose another place for it") from error
