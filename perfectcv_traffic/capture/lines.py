"""A record as a line of the log: always one line, always UTF-8, never too long to be read again."""

from __future__ import annotations

from typing import Any

import msgspec

from perfectcv_traffic.log.lines import MAX_LINE
from perfectcv_traffic.record import TrafficLog

LINE_CUT = "line_cut"
"""The note of both bodies when texts and lists of a record were cut for the sake of its line."""
SHORTENINGS = (2048, 128)
"""Characters of a text, and eight times the items of a list, that are left; the first that does."""

_encode_into = msgspec.json.Encoder().encode_into


def encode_line(record: TrafficLog, buffer: bytearray) -> None:
    """Append the record and a newline to the buffer.

    A record that would be longer than readers take is shortened itself, and says so. Raises
    `ValueError` when that is not enough.
    """
    start = len(buffer)
    try:
        _encode_into(record, buffer, -1)
    except UnicodeEncodeError:  # a lone surrogate: legal in Python and JSON, not in UTF-8
        del buffer[start:]
        _encode_into(_encodable(msgspec.to_builtins(record)), buffer, -1)
    if len(buffer) - start > MAX_LINE:
        _encode_shortened(record, buffer, start)
    buffer += b"\n"


def _encode_shortened(record: TrafficLog, buffer: bytearray, start: int) -> None:
    """What is bounded already leaves room for all of it: fields of the application may not be."""
    for limit in SHORTENINGS:
        for name in record.__struct_fields__:
            setattr(record, name, _shortened(getattr(record, name), limit))
        record.request_body_note = record.response_body_note = LINE_CUT
        del buffer[start:]
        _encode_into(_encodable(msgspec.to_builtins(record)), buffer, -1)
        if len(buffer) - start <= MAX_LINE:
            return
    raise ValueError(f"the record of {record.request_id} is too long for a line")


def _shortened(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= limit else value[:limit]
    if isinstance(value, (list, tuple)):
        return [_shortened(item, limit) for item in value[: limit // 8]]
    if isinstance(value, dict):
        kept = list(value.items())[: limit // 8]
        return {_shortened(key, limit): _shortened(item, limit) for key, item in kept}
    return value


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    return value
