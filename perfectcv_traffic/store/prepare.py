"""From the bytes of a chunk to everything that its transaction inserts, in plain values.

This is half of the work of ingest and needs no database, so that it can be done while the chunk
before is stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec

from perfectcv_traffic.log.formats import Formats, LogFormat
from perfectcv_traffic.log.lines import MAX_LINE, LineParser, Parsed, Salvaged, reference
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.log.whole import WholeChunks, object_starts
from perfectcv_traffic.record import FIRST_ERROR_STATUS, NullDetail, TrafficLog
from perfectcv_traffic.store.batch import Batch
from perfectcv_traffic.store.counted import Counted
from perfectcv_traffic.store.rows import RequestRows, RowGroup
from perfectcv_traffic.summary import overview
from perfectcv_traffic.summary.summary import Summary
from perfectcv_traffic.summary.tables import Row

STEP_LINES = 64
STEP_BYTES = 131_072

SummaryRows = list[list[Row]]
"""Rows of each summary table, then of each roll-up."""


class Task(NamedTuple):
    """Lines of one segment."""

    log_format: str
    name: str
    """What the log is called in references to its lines."""
    start: int
    data: bytes
    is_terminated: bool = True


def steps(task: Task) -> Iterator[Task]:
    """A task of whole lines cut into such of a few lines."""
    data, start = task.data, 0
    while start < len(data):
        end = start
        for _ in range(STEP_LINES):
            end = data.find(b"\n", end) + 1 or len(data)
            if end - start >= STEP_BYTES or end == len(data):
                break
        yield task._replace(start=task.start + start, data=data[start:end])
        start = end


@dataclass(slots=True)
class Prepared:
    """What a transaction inserts; the ids of the log and of the rows are given then.

    `nulls` and `logins` begin with the position of their record.
    """

    records: int = 0
    groups: list[RowGroup] = field(default_factory=list)
    nulls: list[tuple[Any, ...]] = field(default_factory=list)
    logins: list[tuple[Any, ...]] = field(default_factory=list)
    rejects: list[tuple[Any, ...]] = field(default_factory=list)
    lines: int = 0
    blank: int = 0
    duplicate: int = 0
    salvaged: int = 0
    summaries: list[SummaryRows] = field(default_factory=list)
    """Of these lines; or none, and that of several chunks with the last of them."""
    counted: Counted | None = None
    """What is kept of the records if no rows are."""


def unpacked(data: bytes | memoryview) -> Prepared:
    """What another process prepared, from MessagePack."""
    fields = msgspec.msgpack.decode(data)
    fields["groups"] = [RowGroup(tuple(names), *rest) for names, *rest in fields["groups"]]
    return Prepared(**fields)


class Preparer:
    """Parses and prepares lines of any format for one record model."""

    def __init__(
        self,
        form: StoredForm,
        formats: Formats,
        *,
        summary_only: bool = False,
        with_numpy: bool = False,
    ) -> None:
        """`with_numpy`: it is loaded anyway, or there is enough to do for it to be worth it."""
        self._form = form
        self._with_numpy = with_numpy
        self._formats = formats
        self._summary_only = summary_only
        self._rows = RequestRows(form)
        self._whole = WholeChunks(form)

    def prepare(self, task: Task, sum_up: Callable[[list[TrafficLog]], None]) -> Prepared:
        """What a transaction inserts for lines; `sum_up` is told all records, for the summary.

        Some hundred lines after the other, so that they stay in the processor's cache.
        """
        found = Prepared()
        for batch in self._batches(task):
            self._add(found, batch)
            sum_up([record for _, record in batch.records])
        return found

    def prepare_in_steps(self, task: Task, between: Callable[[], None]) -> Prepared:
        """What a transaction inserts for whole lines; `between` is called every few of them."""
        found, summary = Prepared(), Summary()
        for step in steps(task):
            for batch in self._batches(step):
                between()
                self._add(found, batch)
                between()
                summary.add_all([record for _, record in batch.records])
                between()
        found.summaries = [overview.every_part(summary)]
        return found

    def prepared(self, batch: Batch) -> Prepared:
        """What a transaction inserts for a batch."""
        found, summary = Prepared(duplicate=batch.duplicate), Summary()
        self._add(found, batch)
        summary.add_all([record for _, record in batch.records])
        found.summaries = [overview.every_part(summary)]
        return found

    def parse(self, task: Task) -> Batch:
        """What becomes of each of the lines."""
        whole = Batch()
        for batch in self._batches(task):
            whole.add(batch)
        return whole

    def _batches(self, task: Task) -> Iterator[Batch]:
        parser = self._formats.parser(LogFormat(task.log_format))
        if not task.is_terminated:
            batches = iter([_unterminated(parser, task)])
        elif task.log_format == LogFormat.NATIVE:
            batches = self._native(parser, task)
        else:
            batches = iter([_lines(parser, task.start, task.data[:-1].split(b"\n"))])
        for batch in batches:
            for offset, record in batch.records:
                if not record.request_id:
                    record.request_id = reference(task.name, offset)
            yield batch

    def _native(self, parser: LineParser, task: Task) -> Iterator[Batch]:
        """Many lines at once, as long as nothing about them is odd."""
        offset = task.start
        for piece in self._whole.pieces(task.data):
            records = self._whole.decoded(piece)
            starts = self._object_starts(piece) if records else []
            if records and len(records) == len(starts):
                offsets = [offset + start for start in starts]
                yield Batch(list(zip(offsets, records, strict=True)), lines=len(records))
            else:
                yield _lines(parser, offset, bytes(piece[:-1]).split(b"\n"))
            offset += len(piece)

    def _object_starts(self, piece: memoryview) -> list[int]:
        """Where each line starts if each is from { to }: then none has two values, or half one."""
        if self._with_numpy:
            starts: list[int] = object_starts(piece).tolist()
            return starts
        lines = bytes(piece[:-1]).split(b"\n")
        return _starts(lines) if _are_objects(lines) else []

    def _add(self, found: Prepared, batch: Batch) -> None:
        if self._summary_only:
            self._count(found, batch)
        else:
            self._add_rows(found, batch)
        found.records += len(batch.records)
        found.lines += batch.lines
        found.blank += batch.blank
        found.salvaged += batch.salvaged

    def _add_rows(self, found: Prepared, batch: Batch) -> None:
        for position, (_, record) in enumerate(batch.records, found.records):
            if record.null_params_count or record.null_response_count:
                found.nulls += _null_rows(position, record)
            if record.login_uuid is not None:
                found.logins.append(_login_row(position, record))
        found.groups += self._rows.groups(batch.records)
        found.rejects += [(offset, length, *reject) for offset, length, reject in batch.rejects]

    def _count(self, found: Prepared, batch: Batch) -> None:
        found.counted = found.counted or Counted()
        found.counted.add(batch.records, self._form.row)
        # Where and why, not what: the text would make the database as large as the log.
        found.rejects += [(*where, reject.reason, "", None) for *where, reject in batch.rejects]


def _lines(parser: LineParser, offset: int, lines: list[bytes]) -> Batch:
    """Called for every line of a foreign log: what can be is in local names and inline."""
    batch = Batch(lines=len(lines))
    add_record, decode, errors = batch.records.append, parser.decode, parser.errors
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
    return batch


def _starts(lines: list[bytes]) -> list[int]:
    return list(accumulate((len(line) + 1 for line in lines[:-1]), initial=0))


def _are_objects(lines: list[bytes]) -> bool:
    return all(line.startswith(b"{") and line.endswith(b"}") for line in lines)


def _unterminated(parser: LineParser, task: Task) -> Batch:
    """The rest of a dead segment: as text, a cut line may read as a whole one."""
    if parser.is_json:
        return _lines(parser, task.start, [task.data])
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


def _null_rows(position: int, record: TrafficLog) -> list[tuple[Any, ...]]:
    found = [("request_parameter", detail) for detail in record.null_params_details]
    found += [("response_field", detail) for detail in record.null_response_details]
    origin = (position, record.timestamp, record.path, record.client_ip)
    return [
        (*origin, null_type, detail.field_name, detail.field_path, _context(detail))
        for null_type, detail in found
    ]


@lru_cache(maxsize=4096)
def _context(detail: NullDetail) -> str:
    context = {"location": detail.location, "field": detail.field_name, "path": detail.field_path}
    return json.dumps({**context, "value": None, "kind": detail.kind}, ensure_ascii=False)


def _login_row(position: int, record: TrafficLog) -> tuple[Any, ...]:
    success = record.status_code is not None and record.status_code < FIRST_ERROR_STATUS
    return (
        position, record.login_uuid, record.client_ip, record.timestamp, record.user_agent,
        int(success),
    )  # fmt: skip
