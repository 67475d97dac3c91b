"""Bytes of a log file by offset, whether it is plain or compressed.

Offsets count bytes of the uncompressed text, so that a rotated file keeps its place when it is
compressed. What a file is decides its first bytes, never its name.
"""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import lzma
import os
import sys
import zlib
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

BLOCK = 1_048_576
MAGIC_LENGTH = 6
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"


class DamagedError(Exception):
    """A compressed file ends before its time, or its bytes are not what they were."""


class Decompressed(io.RawIOBase):
    """What a compressed file holds, up to the last byte before it is damaged."""

    def __init__(self, stream: Any, *damage: type[Exception]) -> None:
        """Read `stream`, of a library that raises `damage` for bytes that make no sense."""
        self._stream = stream
        self._damage: tuple[type[Exception], ...] = (EOFError, *damage)
        self._is_damaged = False

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As many bytes as fit, fewer at the end; raises `DamagedError` once none are left."""
        view, filled = memoryview(buffer), 0
        while filled < len(view) and (part := self._next(len(view) - filled)):
            view[filled : filled + len(part)] = part
            filled += len(part)
        if self._is_damaged and not filled:
            raise DamagedError
        return filled

    def _next(self, length: int) -> bytes:
        """What one step gives: of more, libraries lose what they had before the damage."""
        if self._is_damaged:
            return b""
        try:
            return bytes(self._stream.read1(length))
        except self._damage:
            self._is_damaged = True
        except OSError as error:
            if error.errno is not None:  # of the disk, not of what is on it
                raise
            self._is_damaged = True
        return b""


Decompress = Callable[[BinaryIO], Decompressed]


class FileId(NamedTuple):
    """Device and inode: tells open files apart; says nothing about content."""

    device: int
    inode: int


class Source(Protocol):
    """Where the bytes of a segment come from."""

    path: Path
    file_id: FileId
    is_final: bool
    """A compressed file: nobody appends to it."""
    is_damaged: bool
    """Of a compressed file the end is missing: it is still being written, or broken."""

    def read_at(self, offset: int, length: int) -> bytes:
        """Bytes at an offset; fewer at the end."""
        ...

    def size(self) -> int | None:
        """Length in bytes, None when only reading tells."""
        ...

    def signature(self) -> str:
        """Changes whenever the file changes."""
        ...

    def close(self) -> None:
        """Release the file."""
        ...


if sys.platform == "win32":

    def _read_at(file: FileIO, offset: int, length: int) -> bytes:
        file.seek(offset)
        return file.read(length)

else:

    def _read_at(file: FileIO, offset: int, length: int) -> bytes:
        return os.pread(file.fileno(), length, offset)


class PlainFile:
    """A file that may still grow, shrink or lose its name while it is open."""

    is_final = False
    is_damaged = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb", buffering=0)
        self.file_id = _file_id(os.fstat(self._file.fileno()))

    def read_at(self, offset: int, length: int) -> bytes:
        """Bytes at an offset; fewer at the end."""
        return _read_at(self._file, offset, length)

    def size(self) -> int:
        """Length in bytes."""
        return os.fstat(self._file.fileno()).st_size

    def is_deleted(self) -> bool:
        """Whether no name leads to the file any more."""
        return os.fstat(self._file.fileno()).st_nlink == 0

    def signature(self) -> str:
        """Changes whenever the file changes."""
        return _signature(os.fstat(self._file.fileno()))

    def close(self) -> None:
        """Release the file."""
        self._file.close()


class CompressedFile:
    """A compressed file, decompressed as a stream: reading backwards begins anew."""

    is_final = True

    def __init__(self, path: Path, decompress: Decompress) -> None:
        self.path = path
        self._decompress = decompress
        self._raw = path.open("rb")
        status = os.fstat(self._raw.fileno())
        self.file_id = _file_id(status)
        self._signature = _signature(status)
        self._position = 0
        self._stream = decompress(self._raw)
        self.is_damaged = False

    def read_at(self, offset: int, length: int) -> bytes:
        """Bytes at an offset; fewer at the end, or where the file is damaged."""
        if offset < self._position:
            self._begin_anew()
        while self._position < offset:
            if not self._read(min(BLOCK, offset - self._position)):
                return b""
        parts = []
        while length and (part := self._read(min(BLOCK, length))):
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def _begin_anew(self) -> None:
        self._raw.seek(0)
        self._stream, self._position = self._decompress(self._raw), 0

    def _read(self, length: int) -> bytes:
        try:
            data = self._stream.read(length) or b""
        except DamagedError:
            self.is_damaged = True
            return b""
        except OSError:  # how far the stream came nobody knows
            self._begin_anew()
            raise
        self._position += len(data)
        return data

    def size(self) -> None:
        """Only reading tells."""
        return

    def signature(self) -> str:
        """Changes whenever the file changes."""
        return self._signature

    def close(self) -> None:
        """Release the file."""
        self._raw.close()


def open_source(path: Path) -> PlainFile | CompressedFile:
    """Open a log file as what its first bytes say it is; raises `OSError`, also for UTF-16."""
    with path.open("rb") as file:
        beginning = file.read(MAGIC_LENGTH)
    if beginning.startswith(_UTF_16):
        raise OSError(0, "is text in UTF-16, as PowerShell's > writes it: have it written in UTF-8")
    decompress = decompressor(beginning)
    return CompressedFile(path, decompress) if decompress else PlainFile(path)


def decompressor(beginning: bytes) -> Decompress | None:
    """How a file that begins so is decompressed, None if it is not compressed."""
    for prefix, decompress in _MAGIC.items():
        if beginning.startswith(prefix):
            return decompress
    return None


def signature_of(path: Path) -> str:
    """The signature of a file that is not open."""
    return _signature(path.stat())


def file_id_of(path: Path) -> FileId:
    """The file that a name leads to now."""
    return _file_id(path.stat())


def _gzip(raw: BinaryIO) -> Decompressed:
    return Decompressed(gzip.GzipFile(fileobj=raw, mode="rb"), zlib.error)


def _bzip2(raw: BinaryIO) -> Decompressed:
    return Decompressed(bz2.BZ2File(raw))


def _xz(raw: BinaryIO) -> Decompressed:
    return Decompressed(lzma.LZMAFile(raw), lzma.LZMAError)


def _zstandard(raw: BinaryIO) -> Decompressed:
    try:
        zstd = importlib.import_module(_ZSTD)
    except ImportError as error:
        raise OSError(
            0, "is compressed with zstd: pip install 'perfectcv-traffic[zstd]'"
        ) from error
    return Decompressed(zstd.ZstdFile(raw), zstd.ZstdError)


_MAGIC: dict[bytes, Decompress] = {
    b"\x1f\x8b": _gzip,
    b"BZh": _bzip2,
    b"\xfd7zXZ\0": _xz,
    b"\x28\xb5\x2f\xfd": _zstandard,
}


def _file_id(status: os.stat_result) -> FileId:
    return FileId(status.st_dev, status.st_ino)


def _signature(status: os.stat_result) -> str:
    return f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}"
