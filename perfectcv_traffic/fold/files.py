"""Log files by path or by any URL that fsspec knows: their names, sizes and bytes."""

from __future__ import annotations

import glob
import importlib.util
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from perfectcv_traffic.errors import StorageError, TrafficError, UsageError
from perfectcv_traffic.log.reader import require_file

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")  # two letters at least: C:\ is no URL
_LONGEST = 200
"""Characters of what a client of a store says."""

_HTTP = re.compile(r"https?://", re.IGNORECASE)
_REMOTE_BLOCK = 8_388_608
"""Bytes asked for at once."""

_PACKAGES: Mapping[str, str] = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "az": "adlfs",
    "hdfs": "pyarrow",
    "sftp": "paramiko",
    "ssh": "paramiko",
    "smb": "smbprotocol",
}
"""What fsspec needs for a kind of URL; for any other, what the extra installs."""


class FoundLog(NamedTuple):
    """A log, and how many bytes it has as it is stored."""

    name: str
    size: int
    is_stream: bool = False
    """It can only be read from its beginning; the size may be unknown, 0."""


def is_url(name: str) -> bool:
    """Whether a log is named by URL."""
    return _URL.match(name) is not None


def found(names: Sequence[str]) -> list[FoundLog]:
    """Every file that is named, globs expanded; raises `StorageError` for one that is not there."""
    return [file for name in names for file in (_remote if is_url(name) else _local)(name)]


def _local(name: str) -> list[FoundLog]:
    path = Path(name)
    if not path.exists() and glob.has_magic(name):  # Windows' shells leave globs to programs
        names = sorted(glob.glob(name))  # noqa: PTH207 - Path's is relative
        return [one for each in names for one in _local(each)] or _nothing(name)
    require_file(path)
    return [FoundLog(str(path.absolute()), path.stat().st_size)]  # workers are elsewhere


def _remote(url: str) -> list[FoundLog]:
    with _errors(url):
        system, path = _system(url)
        paths = sorted(system.glob(path)) if glob.has_magic(path) else [path]
        return [_described(system, one) for one in paths] or _nothing(url)


def _described(system: Any, path: str) -> FoundLog:
    name, size = system.unstrip_protocol(path), system.info(path).get("size")
    is_web = _HTTP.match(name) is not None
    return FoundLog(name, int(size or 0), is_stream=is_web and not _has_ranges(system, path, size))


def _has_ranges(system: Any, path: str, size: int | None) -> bool:
    """Whether a web server gives parts of a file: not all do, nor do all say so."""
    if not size:
        return False
    with system.open(path, "rb", block_size=1, cache_type="none") as file:
        file.seek(size - 1)
        try:
            return len(file.read(1)) == 1
        except ValueError:  # it was going to give everything
            return False


def _nothing(name: str) -> list[FoundLog]:
    raise StorageError(f"log {name} does not exist: no file has such a name")


@contextmanager
def opened(name: str, block: int = _REMOTE_BLOCK) -> Iterator[BinaryIO]:
    """The stored bytes of a log, to be read from anywhere; errors name it.

    From elsewhere, `block` bytes are asked for at once; 0 to read it from its beginning only.
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
            f"log {url} cannot be opened: {error}: pip install {_package(url)!r}, on every machine"
            " that reads it"
        ) from error
    except ValueError as error:
        raise UsageError(f"log {url} cannot be opened: {error}") from error
    return system, str(path)


def _package(url: str) -> str:
    if importlib.util.find_spec("fsspec") is None:
        return "perfectcv-traffic[remote]"
    return _PACKAGES.get(url.partition("://")[0].lower(), "perfectcv-traffic[remote]")


@contextmanager
def _errors(name: str) -> Iterator[None]:
    try:
        yield
    except TrafficError:
        raise
    except OSError as error:
        raise StorageError(f"log {name} {_reason(name, error)}") from error
    except Exception as error:  # clients of stores have errors of their own
        if not is_url(name):
            raise
        raise StorageError(f"log {name} {_reason(name, error)}") from error


def _reason(name: str, error: Exception) -> str:
    """Why a log cannot be read, in one line, and what may help."""
    if isinstance(error, OSError) and error.strerror and not is_url(name):
        return f"cannot be read: {error.strerror}"
    cause = error.__cause__ or error.__context__
    if isinstance(error, FileNotFoundError):
        why = f" ({_one_line(cause)})" if cause else ""
        return f"is not there, or its server is not{why}: check the address"
    kind = type(error).__name__
    is_refused = isinstance(error, PermissionError) or "credential" in kind.lower()
    advice = f": give {_package(name)} valid credentials, see its manual" if is_refused else ""
    return f"cannot be read: {kind}: {_one_line(error)}{advice}"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:_LONGEST] or type(error).__name__
