"""From the bytes of a chunk to everything that its transaction inserts, in plain values.

This is half of the work of ingest and needs no database, so that it can be done while the chunk
before is stored.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from perfectcv_traffic import overview
from perfectcv_traffic.log.formats import Formats, LogFormat
from perfectcv_traffic.log.lines import MAX_LINE, LineParser, Parsed, Salvaged
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.record import NullDetail, TrafficLog
from perfectcv_traffic.store.batch import Batch
from perfectcv_traffic.store.rows import Group, RequestRows
from perfectcv_traffic.summary import TABLES, Row, Summary, packed

_BAD_REQUEST = 400


class Task(NamedTuple):
    """Lines of one segment."""

    log_format: str
    name: str
    """What the log is called in references to its lines."""
    start: int
    data: bytes
    is_terminated: bool = True


class Prepared(NamedTuple):
    """What a transaction inserts; the ids of the log and of the rows are given then.

    `nulls` and `logins` begin with the position of their record.
    """

    records: int
    groups: list[Group]
    nulls: list[tuple[Any, ...]]
    logins: list[tuple[Any, ...]]
    rejects: list[tuple[Any, ...]]
    lines: int
    blank: int
    duplicate: int
    salvaged: int
    summary: list[list[Row]]
    """Rows of each summary table, then of each roll-up."""


class Preparer:
    """Parses and prepares lines of any format for one record model."""

    def __init__(self, form: StoredForm, formats: Formats) -> None:
        self._formats = formats
        self._rows = RequestRows(form)

    def parse(self, task: Task) -> Batch:
        """What becomes of each of the lines."""
        parser = self._formats.parser(LogFormat(task.log_format))
        batch = (_parse_lines if task.is_terminated else _unterminated)(parser, task)
        for offset, record in batch.records:
            if not record.request_id:  # something to refer to: where the line is
                record.request_id = f"{task.name}@{offset}"
        return batch

    def prepared(self, batch: Batch, summary: list[list[Row]] | None = None) -> Prepared:
        """What a transaction inserts for a batch, of which the summary may be made already."""
        nulls, logins = [], []
        for position, (_, record) in enumerate(batch.records):
            if record.null_params_count or record.null_response_count:
                nulls += _null_rows(position, record)
            if record.login_uuid is not None:
                logins.append(_login_row(position, record))
        return Prepared(
            len(batch.records),
            self._rows.groups(batch.records),
            nulls,
            logins,
            [(offset, length, *reject) for offset, length, reject in batch.rejects],
            batch.lines,
            batch.blank,
            batch.duplicate,
            batch.salvaged,
            summary or summary_rows([record for _, record in batch.records]),
        )


def _parse_lines(parser: LineParser, task: Task) -> Batch:
    """Called for every line of every log: what can be is in local names and inline."""
    batch = Batch()
    offset = task.start
    add_record, decode, errors = batch.records.append, parser.decode, parser.errors
    lines = (task.data[:-1] if task.is_terminated else task.data).split(b"\n")
    for line in lines:
        length = len(line)
        if length <= MAX_LINE:
            try:
                add_record((offset, decode(line)))
            except errors as error:
                _set_aside(batch, offset, length, parser.odd(line, error))
        else:
            _set_aside(batch, offset, length, parser.parse(line))
        offset += length + 1
    batch.lines = len(lines)
    return batch


def _unterminated(parser: LineParser, task: Task) -> Batch:
    """The rest of a dead segment: as text, a cut line may read as a whole one."""
    if parser.is_json:
        return _parse_lines(parser, task)
    reject = parser.reject("unterminated", task.data)
    return Batch(rejects=[(task.start, len(task.data), reject)], lines=1)


def _set_aside(batch: Batch, offset: int, length: int, parsed: Parsed) -> None:
    if parsed is None:
        batch.blank += 1
    elif isinstance(parsed, TrafficLog):
        batch.records.append((offset, parsed))
    elif isinstance(parsed, Salvaged):
        batch.rejects.append((offset, parsed.position, parsed.front))
        batch.records.append((offset + parsed.position, parsed.record))
        batch.salvaged += 1
    else:
        batch.rejects.append((offset, length, parsed))


def summary_rows(records: Sequence[TrafficLog]) -> list[list[Row]]:
    """Rows of each summary table, then of each roll-up."""
    summary = Summary()
    summary.add_all(records)
    tables = [list(packed(table, summary.cells(table))) for table in TABLES]
    return tables + [list(overview.unlimited_rows(r, summary)) for r in overview.ROLLUPS]


def _null_rows(position: int, record: TrafficLog) -> list[tuple[Any, ...]]:
    found = [("request_parameter", detail) for detail in record.null_params_details]
    found += [("response_field", detail) for detail in record.null_response_details]
    origin = (position, record.timestamp, record.path, record.client_ip)
    return [
        (*origin, null_type, detail.field_name, detail.field_path, _context(detail))
        for null_type, detail in found
    ]


def _context(detail: NullDetail) -> str:
    context = {"location": detail.location, "field": detail.field_name, "path": detail.field_path}
    return json.dumps({**context, "value": None, "kind": detail.kind}, ensure_ascii=False)


def _login_row(position: int, record: TrafficLog) -> tuple[Any, ...]:
    success = record.status_code is not None and record.status_code < _BAD_REQUEST
    return (
        position, record.login_uuid, record.client_ip, record.timestamp, record.user_agent,
        int(success),
    )  # fmt: skip
