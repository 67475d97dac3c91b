"""A record as a line of the log: always one line, always UTF-8."""

from __future__ import annotations

from typing import Any

import msgspec

from perfectcv_traffic.record import TrafficLog

_encode_into = msgspec.json.Encoder().encode_into


def encode_line(record: TrafficLog, buffer: bytearray) -> None:
    """Append the record and a newline to the buffer."""
    start = len(buffer)
    try:
        _encode_into(record, buffer, -1)
    except UnicodeEncodeError:  # a lone surrogate: legal in Python and JSON, not in UTF-8
        del buffer[start:]
        _encode_into(_encodable(msgspec.to_builtins(record)), buffer, -1)
    buffer += b"\n"


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    return value
