"""How the first lines of a log are read: for people who wonder why a line was rejected."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.log.formats import VOTERS, Formats, LogFormat
from perfectcv_traffic.log.lines import Parsed, Reject, Salvaged
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.log.routes import Find
from perfectcv_traffic.log.source import open_source
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.redaction import Redactor

BEGINNING = 1_048_576
_UNSET: tuple[object, ...] = (None, "", 0, False, [], (), msgspec.Raw(b"null"))


def explain(
    log: Path, count: int, log_format: LogFormat | None = None, find_route: Find | None = None
) -> Iterator[str]:
    """For each of the first lines: what it becomes, fact by fact. Nothing is stored."""
    lines = _first_lines(log, max(count, VOTERS))
    formats = Formats(StoredForm(TrafficLog), Redactor(), find_route)
    chosen = log_format or formats.detect(lines)
    if chosen is None:
        yield f"{log}: no format recognised in the first {len(lines)} lines"
        return
    yield f"{log}: {chosen} format"
    for number, parsed in enumerate(formats.explain(lines[:count], chosen), 1):
        yield from _described(number, parsed)


def _first_lines(log: Path, count: int) -> list[bytes]:
    try:
        source = open_source(log)
        try:
            data = source.read_at(0, BEGINNING)
        finally:
            source.close()
    except OSError as error:
        raise StorageError(f"log {log} cannot be read: {error.strerror}") from error
    return data.split(b"\n", count)[:count]


def _described(number: int, parsed: Parsed) -> Iterator[str]:
    if parsed is None:
        yield f"line {number}: blank"
    elif isinstance(parsed, Reject):
        yield f"line {number}: rejected, {parsed.reason}: {parsed.raw!r}"
    elif isinstance(parsed, Salvaged):
        yield f"line {number}: torn at byte {parsed.position}, its end is a record"
        yield from _facts(parsed.record)
    else:
        yield f"line {number}: a request"
        yield from _facts(parsed)


def _facts(record: TrafficLog) -> Iterator[str]:
    missing = []
    for name, value in msgspec.structs.asdict(record).items():
        if value in _UNSET:
            missing.append(name)
        else:
            text = bytes(value).decode() if isinstance(value, msgspec.Raw) else value
            yield f"    {name} = {text!r}"
    yield f"    not recorded: {', '.join(missing)}"
