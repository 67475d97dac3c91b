"""What a request asked for, in a line for people."""

from __future__ import annotations

from perfectcv_traffic.capture.bodies import ReadBody
from perfectcv_traffic.record import TrafficLog

SUMMARY_LIMIT = 300


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
