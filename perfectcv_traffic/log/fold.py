"""The records of lines of any format, as ingest stores them, without a database."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from perfectcv_traffic.log.formats import VOTERS, Formats, LogFormat
from perfectcv_traffic.log.lines import LineParser, Reject, Salvaged, reference
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.log.whole import WholeChunks
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.redaction import Redactor


class Place(NamedTuple):
    """Where lines begin: the name of their log, and the offset in it."""

    name: str
    offset: int


class Batch(NamedTuple):
    """Records of a piece of a log in their order, and how many of its lines were none."""

    records: list[TrafficLog]
    rejected: int
    is_damaged: bool = False
    """What comes after them in a compressed log cannot be read."""


class Lines:
    """Reads whole lines of any format."""

    def __init__(self) -> None:
        form = StoredForm()
        self._formats = Formats(form, Redactor())
        self._whole = WholeChunks(form)

    def detect(self, data: bytes) -> LogFormat | None:
        """The format of a log that begins so; None when nothing is recognised."""
        return self._formats.detect(data.split(b"\n", VOTERS)[:VOTERS])

    def batches(self, data: bytes, log_format: LogFormat, place: Place) -> Iterator[Batch]:
        """The records of lines, in pieces; `data` ends in a newline."""
        for piece in self._whole.pieces(data):
            yield self.batch(piece, log_format, place)
            place = place._replace(offset=place.offset + len(piece))

    def batch(self, lines: memoryview, log_format: LogFormat, place: Place) -> Batch:
        """The records of lines, best half a megabyte; the last of them ends in a newline."""
        if log_format == LogFormat.NATIVE and (records := self._whole.records(lines)) is not None:
            return Batch(records, 0)
        return _parsed(self._formats.parser(log_format), lines, place)


def _parsed(parser: LineParser, piece: memoryview, place: Place) -> Batch:
    lines = bytes(piece[:-1]).split(b"\n")
    starts = accumulate((len(line) + 1 for line in lines), initial=place.offset)
    records: list[TrafficLog] = []
    rejected = 0
    for start, parsed in zip(starts, map(parser.parse, lines), strict=False):
        if isinstance(parsed, Reject | Salvaged):
            rejected += 1
        record = parsed.record if isinstance(parsed, Salvaged) else parsed
        if isinstance(record, TrafficLog):
            if not record.request_id:
                record.request_id = reference(place.name, start)
            records.append(record)
    return Batch(records, rejected)
