"""Lines of our own log: NDJSON, one `TrafficLog` per line.

A line is decoded into a twin of `TrafficLog` in which objects stay raw JSON: they are stored as
text, so building and re-encoding them would be work for nothing.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from perfectcv_traffic.record import TrafficLog, fields
from perfectcv_traffic.redaction import Redactor

MAX_LINE = 1_048_576
RAW_LIMIT = 4096
_MISSING = re.compile(r"missing required field `(\w+)`")
_AT_FIELD = re.compile(r"at `\$\.(\w+)")


class Reject(NamedTuple):
    """A line that is no record: why, and its beginning, redacted."""

    reason: str
    raw: str


class StoredForm:
    """The twin of a record model: its decoder, and its row as SQLite binds it."""

    def __init__(self, model: type[TrafficLog] = TrafficLog) -> None:
        self.columns = tuple(field.name for field in fields(model))
        self._objects = [
            position
            for position, field in enumerate(fields(model))
            if field.type_name[:4] == "dict"
        ]
        self._lists = [
            position
            for position, field in enumerate(fields(model))
            if field.type_name[:4] == "list"
        ]
        self._decode = msgspec.json.Decoder(_twin(model)).decode
        self._encode = msgspec.json.encode

    def decode(self, line: bytes) -> TrafficLog:
        """The record of one line; raises msgspec's errors."""
        return self._decode(line)

    def row(self, record: TrafficLog) -> list[object]:
        """Values in the order of `columns`; objects and lists as JSON text."""
        row = list(msgspec.structs.astuple(record))
        for position in self._objects:
            raw = bytes(row[position])
            row[position] = None if raw == b"null" else raw.decode("utf-8")
        for position in self._lists:
            row[position] = self._encode(row[position]).decode("utf-8") if row[position] else "[]"
        return row


def _twin(model: type[TrafficLog]) -> type[TrafficLog]:
    objects = [field.name for field in fields(model) if field.type_name[:4] == "dict"]
    twin = msgspec.defstruct(
        f"Stored{model.__name__}",
        [(name, msgspec.Raw, msgspec.Raw(b"null")) for name in objects],
        bases=(model,),
    )
    return typing.cast("type[TrafficLog]", twin)


def parser(form: StoredForm, redactor: Redactor) -> Callable[[bytes], TrafficLog | Reject | None]:
    """A function from a line without its newline to a record, a reject, or None if it is blank."""

    def parse(line: bytes) -> TrafficLog | Reject | None:
        if len(line) > MAX_LINE:
            return _reject("too_long", line, redactor)
        try:
            return form.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            if not line.strip(b" \t\r\0"):
                return None
            return _reject(_reason(error), line, redactor)

    return parse


def _reject(reason: str, line: bytes, redactor: Redactor) -> Reject:
    return Reject(reason, redactor.text(line[:RAW_LIMIT].decode("utf-8", "backslashreplace")))


def _reason(error: Exception) -> str:
    message = str(error)
    if missing := _MISSING.search(message):
        return f"missing_field:{missing[1]}"
    if isinstance(error, msgspec.ValidationError):
        field = _AT_FIELD.search(message)
        return f"bad_value:{field[1]}" if field else "not_a_record"
    return "utf8" if isinstance(error, UnicodeDecodeError) else "json"
