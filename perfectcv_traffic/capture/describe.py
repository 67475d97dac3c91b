"""Sentences for people: what a request asked for, and what an error answer says."""

from __future__ import annotations

import msgspec

from perfectcv_traffic.capture.bodies import ReadBody
from perfectcv_traffic.record import TrafficLog

SUMMARY_LIMIT = 300
ERROR_LIMIT = 500
_ERROR_KEYS = ("detail", "message", "error", "errors")


def request_summary(record: TrafficLog, query: str, sent: ReadBody) -> str:
    """One line: what was asked for, with which parameters and body, all redacted before."""
    parts = [f"{record.method} {record.path}"]
    if query:
        parts.append(f"query: {query}")
    if sent.fields:
        parts.append(f"form fields: {', '.join(sent.fields)}")
    elif sent.text:
        parts.append(f"body: {sent.text[:SUMMARY_LIMIT]}")
    elif record.request_bytes:
        parts.append(f"body of {record.request_bytes} bytes")
    return " | ".join(parts)[:SUMMARY_LIMIT]


def error_text(body: str) -> str:
    """The error that a JSON answer carries under one of the usual keys, else its beginning."""
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError):  # ValueError: no UTF-8
        return body[:ERROR_LIMIT]
    if not isinstance(answer, dict):
        return body[:ERROR_LIMIT]
    value = next((answer[key] for key in _ERROR_KEYS if answer.get(key)), None)
    if isinstance(value, list):
        value = "; ".join(map(_validation_error, value))
    return (value if isinstance(value, str) else body)[:ERROR_LIMIT]


def _validation_error(item: object) -> str:
    if isinstance(item, dict) and isinstance(item.get("loc"), list):
        # The rejected input stands beside these and stays out: a mistyped secret may be in it.
        return f"{'.'.join(map(str, item['loc']))}: {item.get('msg', '')}"
    return str(item)
