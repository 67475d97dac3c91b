"""JSON lines written while a run goes on: whoever reads along sees it, and where it died."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from perfectcv_traffic.errors import StorageError

JSON_LINES = "jsonl"


@contextmanager
def streams(files: Iterable[tuple[str, Path | None]]) -> Iterator[Callable[[str], None]]:
    """Writes a line, at once, to every file that was named for JSON lines."""
    with ExitStack() as stack:
        opened = [_open(path, stack) for kind, path in files if kind == JSON_LINES]

        def write(line: str) -> None:
            for one in opened:
                one.write(line)
                one.flush()

        yield write


def _open(path: Path | None, stack: ExitStack) -> IO[str]:
    if path is None:
        return sys.stdout
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return stack.enter_context(path.open("w", encoding="utf-8"))
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror}: choose another --output"
        ) from error
