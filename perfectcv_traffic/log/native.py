"""Lines of our own log: NDJSON, one `TrafficLog` per line.

A line is decoded into a twin of `TrafficLog` in which objects stay raw JSON: they are stored as
text, so building and re-encoding them would be work for nothing.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from perfectcv_traffic.record import TrafficLog, fields

_MISSING = re.compile(r"missing required field `(\w+)`")
_AT_FIELD = re.compile(r"at `\$\.(\w+)")
_NULL = msgspec.Raw(b"null")

NULL = float("nan")
"""How a row says NULL: SQLite binds a NaN as NULL, and many times faster than None."""


class StoredForm:
    """The twin of a record model: its decoder, and its row as SQLite binds it."""

    def __init__(self, model: type[TrafficLog] = TrafficLog) -> None:
        described = fields(model)
        self.columns = tuple(field.name for field in described)
        self._objects = _positions(field.kind is dict for field in described)
        self._lists = _positions(field.kind is list for field in described)
        self._flags = _positions(field.kind is bool for field in described)
        self._optional = _positions(
            field.type_name[-1] == "?" and field.kind not in (dict, bool) for field in described
        )
        self._object_names = frozenset(described[position].name for position in self._objects)
        self.twin = _twin(model)
        """A subclass of the model."""
        decoder = msgspec.json.Decoder(self.twin)
        self.decode: Callable[[bytes], TrafficLog] = decoder.decode
        """The record of one line; raises one of `ERRORS`."""
        self.decode_lines: Callable[[memoryview], list[TrafficLog]] = decoder.decode_lines
        """The records of many; raises one of `ERRORS` if any of them is none."""
        self._encode = msgspec.json.encode

    def record(self, **values: Any) -> TrafficLog:
        """A record of the twin from values that another format gave."""
        for name in self._object_names.intersection(values):
            value = values[name]
            values[name] = _NULL if value is None else msgspec.Raw(self._encode(value))
        return self.twin(**values)

    def row(self, record: TrafficLog) -> list[Any]:
        """Values in the order of `columns`; objects and lists as JSON text, NULL as NaN."""
        row: list[Any] = [NULL if v is None else v for v in msgspec.structs.astuple(record)]
        for position in self._objects:
            raw = str(row[position], "utf-8", "backslashreplace")
            row[position] = NULL if raw == "null" else raw
        for position in self._lists:
            row[position] = self._encode(row[position]).decode("utf-8") if row[position] else "[]"
        for position in self._flags:
            row[position] += 0  # a bool binds as slowly as None
        return row

    def bound(self, records: Sequence[TrafficLog]) -> list[Sequence[Any]]:
        """The columns of several records: the same values as those of their rows, made faster."""
        columns: list[Sequence[Any]] = list(
            zip(*map(msgspec.structs.astuple, records), strict=True)
        )
        for position in self._objects:
            columns[position] = _texts(columns[position])
        for position in self._lists:
            if any(columns[position]):
                columns[position] = [
                    self._encode(value).decode("utf-8") if value else "[]"
                    for value in columns[position]
                ]
            else:
                columns[position] = ("[]",) * len(records)
        for position in self._flags:
            columns[position] = [_FLAGS[value] for value in columns[position]]
        for position in self._optional:
            columns[position] = _without_none(columns[position])
        return columns


_FLAGS = {None: NULL, False: 0, True: 1}


def _without_none(column: Sequence[Any]) -> Sequence[Any]:
    if column[0] is None and column.count(None) == len(column):
        return (NULL,) * len(column)
    return [NULL if value is None else value for value in column]


def _texts(column: Sequence[Any]) -> Sequence[Any]:
    """Raw JSON as text; a line holds no newline, so that many are decoded as one."""
    texts = b"\n".join(column).decode("utf-8", "backslashreplace").split("\n")
    return [NULL if text == "null" else text for text in texts]


def _positions(wanted: typing.Iterable[bool]) -> list[int]:
    return [position for position, is_wanted in enumerate(wanted) if is_wanted]


def _twin(model: type[TrafficLog]) -> type[TrafficLog]:
    objects = [field.name for field in fields(model) if field.kind is dict]
    hints = typing.get_type_hints(model)
    words = {name: words for name, hint in hints.items() if (words := _words(hint))}
    lists = [one.name for one in msgspec.structs.fields(model) if one.default_factory is list]
    twin = msgspec.defstruct(
        f"Stored{model.__name__}",
        [
            *((name, msgspec.Raw, _NULL) for name in objects),
            # Plain strings: they bind as they are, and the decoder still checks them.
            *((name, typing.Literal[tuple(known)] | None, None) for name, known in words.items()),
            *((name, hints[name], ()) for name in lists),  # one for all, not a new list for each
        ],
        bases=(model,),
        gc=False,
    )
    return typing.cast("type[TrafficLog]", twin)


def _words(hint: Any) -> list[str]:
    for option in typing.get_args(hint):
        if isinstance(option, type) and issubclass(option, StrEnum):
            return [str(word.value) for word in option]
    return []


ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What `StoredForm.decode` raises for a line that is no record."""


def reason(error: Exception) -> str:
    """Why a JSON line is no record, in a word."""
    message = str(error)
    if missing := _MISSING.search(message):
        return f"missing_field:{missing[1]}"
    if isinstance(error, msgspec.ValidationError):
        field = _AT_FIELD.search(message)
        return f"bad_value:{field[1]}" if field else "not_a_record"
    return "utf8" if isinstance(error, UnicodeDecodeError) else "json"


_ONLY_OURS = frozenset({
    "auth_required", "null_params_count", "null_response_count", "request_data_summary",
    "token_present", "token_scheme", "token_validity", "ttfb_ms",
})  # fmt: skip
_OURS = frozenset(TrafficLog.__struct_fields__)


def is_native(line: Mapping[str, Any]) -> bool:
    """Whether a JSON object looks like a line of our own log, which leaves out what is unset."""
    if "event_id" in line:
        return True
    is_ours = not _ONLY_OURS.isdisjoint(line) or ("route" in line and line.keys() <= _OURS)
    return "request_id" in line and is_ours
