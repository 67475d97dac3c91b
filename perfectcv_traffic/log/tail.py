"""A log that is written to, read on from look to look: each line once, without a database.

The file is closed between two looks, so that nobody who rotates it is kept from it (Windows). Lines
that are written between the last look and a rotation are not seen; ingest is who loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.log.fold import Batch, Lines, Place
from perfectcv_traffic.log.formats import LogFormat
from perfectcv_traffic.log.reader import Chunk, Reader, ReplacedError, require_file
from perfectcv_traffic.log.segment import Identity
from perfectcv_traffic.log.source import open_source


class Tail:
    """Where one log has been read up to."""

    def __init__(self, log: Path) -> None:
        """Raises `StorageError` if there is no such log."""
        require_file(log)
        self._log = log
        self._lines = Lines()
        self._format: LogFormat | None = None
        self._known: Identity | None = None

    def batches(self) -> Iterator[Batch]:
        """What was written since the last time, the first time all; a new file from its start."""
        try:
            yield from self._read()
        except ReplacedError:
            self._known = self._format = None
            yield from self._read()

    def _read(self) -> Iterator[Batch]:
        try:
            source = open_source(self._log)
        except FileNotFoundError:  # rotated, and the next one is not there yet
            return
        except OSError as error:
            reason = error.strerror or error
            raise StorageError(f"log {self._log} cannot be read: {reason}") from error
        try:
            for chunk in iter(Reader(source, self._known).next, None):
                self._known = chunk.identity
                yield from self._parsed(chunk)
        finally:
            source.close()

    def _parsed(self, chunk: Chunk) -> Iterator[Batch]:
        if chunk.long_line:
            yield Batch([], 1)
            return
        self._format = self._format or self._lines.detect(chunk.data)
        place = Place(self._log.name, chunk.start)
        yield from self._lines.batches(chunk.data, self._format or LogFormat.NATIVE, place)
