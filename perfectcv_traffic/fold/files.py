"""Log files by path or by any URL that fsspec knows: their names, sizes and bytes."""

from __future__ import annotations

import glob
import importlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from perfectcv_traffic.errors import StorageError, TrafficError, UsageError
from perfectcv_traffic.log.reader import require_file

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")  # two letters at least: C:\ is no URL
_REMOTE_BLOCK = 8_388_608
"""Bytes asked for at once."""


class LogFile(NamedTuple):
    """A log, and how many bytes it has as it is stored."""

    name: str
    size: int


def is_url(name: str) -> bool:
    """Whether a log is named by URL."""
    return _URL.match(name) is not None


def found(names: Sequence[str]) -> list[LogFile]:
    """Every file that is named, globs expanded; raises `StorageError` for one that is not there."""
    return [file for name in names for file in (_remote if is_url(name) else _local)(name)]


def _local(name: str) -> list[LogFile]:
    path = Path(name)
    if not path.exists() and glob.has_magic(name):  # Windows' shells leave globs to programs
        names = sorted(glob.glob(name))  # noqa: PTH207 - Path's is relative
        return [one for each in names for one in _local(each)] or _nothing(name)
    require_file(path)
    return [LogFile(str(path.absolute()), path.stat().st_size)]  # workers are elsewhere


def _remote(url: str) -> list[LogFile]:
    with _errors(url):
        system, path = _system(url)
        paths = sorted(system.glob(path)) if glob.has_magic(path) else [path]
        return [
            LogFile(system.unstrip_protocol(one), int(system.info(one)["size"])) for one in paths
        ] or _nothing(url)


def _nothing(name: str) -> list[LogFile]:
    raise StorageError(f"log {name} does not exist: no file has such a name")


@contextmanager
def opened(name: str, block: int = _REMOTE_BLOCK) -> Iterator[BinaryIO]:
    """The stored bytes of a log, to be read from anywhere; errors name it.

    From elsewhere, `block` bytes are asked for at once.
    """
    with _errors(name), _open(name, block) as file:
        yield file


def _open(name: str, block: int) -> BinaryIO:
    if not is_url(name):
        return cast(BinaryIO, Path(name).open("rb", buffering=0))
    system, path = _system(name)
    return cast(BinaryIO, system.open(path, "rb", block_size=block, cache_type="readahead"))


def _system(url: str) -> tuple[Any, str]:
    try:
        core: Any = importlib.import_module("fsspec.core")
        system, path = core.url_to_fs(url)
    except ImportError as error:
        raise UsageError(
            f"log {url} cannot be opened: {error}; what URLs need installs"
            " pip install 'perfectcv-traffic[remote]'"
        ) from error
    except ValueError as error:
        raise UsageError(f"log {url} cannot be opened: {error}") from error
    return system, str(path)


@contextmanager
def _errors(name: str) -> Iterator[None]:
    try:
        yield
    except TrafficError:
        raise
    except OSError as error:
        raise StorageError(f"log {name} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # clients of stores have errors of their own
        if not is_url(name):
            raise
        raise StorageError(f"log {name} cannot be read: {error!r}") from error
