"""Text for other programs: to standard output as it comes, or to the files that were named.

Whoever reads standard output may have enough of it (`| head`): that is no error. What is still said
goes nowhere, and the work goes on, unless it was for that reader alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from perfectcv_traffic.cli.wrapping import wrapped
from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.render import files
from perfectcv_traffic.render.text import visible

JSON_LINES = "jsonl"
"""The format that is written while a run goes on: one sees how far it is, and where it died."""


def write(parts: Iterable[str]) -> None:
    """Write to standard output for as long as somebody reads it.

    Another program gets it as it is, a terminal with every character visible that would act on it.
    """
    show = shown if sys.stdout.isatty() else str
    try:
        for part in parts:
            sys.stdout.write(show(part))
        sys.stdout.flush()
    except BrokenPipeError:
        let_go()
    except OSError as error:
        let_go()
        raise StorageError(f"standard output cannot be written: {error.strerror}") from error


def say_line(text: str, *, indent: int | None = None) -> None:
    """Write a line for a person: on a terminal it is broken at words."""
    fitted = wrapped(shown(text), sys.stdout, indent=indent) if sys.stdout.isatty() else text
    write([f"{fitted}\n"])


def write_now(text: str) -> bool:
    """Write to standard output at once, as `write` does; whether somebody reads it."""
    try:
        sys.stdout.write(shown(text) if sys.stdout.isatty() else text)
        sys.stdout.flush()
    except BrokenPipeError:
        let_go()
        return False
    return True


def let_go() -> None:
    """Have all that is written to standard output from now on, or held for it, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def shown(text: str) -> str:
    """Lines with every character visible that would act on a terminal."""
    return "\n".join(map(visible, text.split("\n")))


def tell(text: str, path: Path | None) -> None:
    """Write a report to a file, to standard output if none is named. Raises `StorageError`."""
    if path is None:
        write([text])
    else:
        files.write(path, text.encode())


@contextmanager
def streams(named: Iterable[tuple[str, Path | None]]) -> Iterator[Callable[[str], None]]:
    """Writes a line, at once, to every file that was named for JSON lines."""
    with ExitStack() as stack:
        paths = [path for kind, path in named if kind == JSON_LINES]
        writers = [_writer(path, stack) for path in paths]

        def write_line(line: str) -> None:
            for write_to in writers:
                write_to(line)

        yield write_line


def _writer(path: Path | None, stack: ExitStack) -> Callable[[str], object]:
    if path is None:
        return write_now
    file = stack.enter_context(_emptied(path))

    def write_line(line: str) -> None:
        file.write(line)
        file.flush()

    return write_line


def _emptied(path: Path) -> IO[str]:
    files.write(path, b"")
    return path.open("a", encoding="utf-8")


@contextmanager
def aside(path: Path) -> Iterator[Path]:
    """A new file to write, which takes the place of `path` when all went well.

    A pipe, a device and what a link leads to (`/dev/stdout`) are not replaced but written. Raises
    `StorageError`.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        yield path
        return
    import tempfile  # a millisecond that every command would pay

    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.absolute().parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    os.close(handle)
    new = Path(name)
    try:
        yield new
        new.chmod(path.stat().st_mode if path.exists() else 0o666 & ~_mask())
        new.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with suppress(OSError):
            new.unlink()


def _mask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError(f"{path} cannot be written: {error.strerror}: name another file with --to")
