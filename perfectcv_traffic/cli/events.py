"""JSON lines written while a run goes on: whoever reads along sees it, and where it died."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from perfectcv_traffic.cli import streaming
from perfectcv_traffic.errors import StorageError

JSON_LINES = "jsonl"


@contextmanager
def streams(files: Iterable[tuple[str, Path | None]]) -> Iterator[Callable[[str], None]]:
    """Writes a line, at once, to every file that was named for JSON lines."""
    with ExitStack() as stack:
        writers = [_writer(path, stack) for kind, path in files if kind == JSON_LINES]

        def write(line: str) -> None:
            for one in writers:
                one(line)

        yield write


def _writer(path: Path | None, stack: ExitStack) -> Callable[[str], object]:
    if path is None:
        return streaming.write_now
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = stack.enter_context(path.open("w", encoding="utf-8"))
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror}: choose another --output"
        ) from error

    def write(line: str) -> None:
        file.write(line)
        file.flush()

    return write
