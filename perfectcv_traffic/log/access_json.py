"""Access logs that are JSON: nginx variants by a table of aliases, and Caddy's."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from perfectcv_traffic.log.foreign import ForeignRecords, epoch
from perfectcv_traffic.log.lines import Decode, RejectedError
from perfectcv_traffic.log.native import reason
from perfectcv_traffic.record import TrafficLog

MAX_INTEGER = 2**63 - 1

ALIASES: Mapping[str, tuple[str, ...]] = {
    "time": (
        "timestamp", "time_iso8601", "time_local", "@timestamp", "msec", "time", "ts", "date",
    ),
    "client": ("client_ip", "remote_addr", "client", "ip", "remote_ip", "host_ip"),
    "method": ("request_method", "method", "verb", "http_method"),
    "target": ("request_uri", "uri", "url", "path", "request"),
    "status": ("status", "status_code", "response", "response_code"),
    "size": ("body_bytes_sent", "bytes_sent", "response_bytes", "bytes", "size", "response_size"),
    "seconds": ("request_time", "duration", "response_time", "apptime", "duration_s"),
    "milliseconds": ("duration_ms", "response_time_ms", "request_time_ms", "latency_ms"),
    "microseconds": ("duration_us", "request_time_us"),
    "agent": ("http_user_agent", "user_agent", "agent"),
    "referer": ("http_referer", "http_referrer", "referer", "referrer"),
    "id": ("request_id", "req_id", "trace_id"),
}  # fmt: skip
"""Names under which JSON access logs carry each fact; the first that is there counts."""

_REQUEST_LINE = re.compile(r"([A-Za-z-]++) (.*) (HTTP/[\d.]++)\Z", re.DOTALL)
"""METHOD TARGET VERSION, as `$request` has it; a target begins with a slash or a scheme."""

_decode = msgspec.json.Decoder().decode


def decoded(line: bytes) -> dict[str, Any]:
    """A JSON object; raises `RejectedError`."""
    try:
        value = _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise RejectedError(reason(error)) from error
    if not isinstance(value, dict):
        raise RejectedError("not_a_record")
    return value


def aliased(records: ForeignRecords) -> Decode:
    """Decodes flat JSON lines by `ALIASES`; numbers may be strings."""

    def decode(line: bytes) -> TrafficLog:
        found = decoded(line)
        facts = {name: _first(found, names) for name, names in ALIASES.items()}
        status = _whole(facts["status"], "status")
        method, target = _text(facts["method"]), _text(facts["target"])
        protocol = _text(found.get("server_protocol"))
        if target is None or (status is None and facts["time"] is None):
            raise RejectedError("missing_field:" + ("path" if target is None else "status"))
        if parts := _REQUEST_LINE.match(target):  # whatever else is said of it
            method, target, protocol = method or parts[1], parts[2], parts[3]
        return records.build(
            target,
            http_version=_version(protocol),
            request_id=_text(facts["id"]) or "",
            timestamp=_time(records, facts["time"]),
            method=method,
            status_code=status,
            response_bytes=_whole(facts["size"], "size"),
            client_ip=_text(facts["client"]),
            user_agent=_text(facts["agent"]),
            request_headers=records.referer(_text(facts["referer"])),
            response_time_ms=_milliseconds(facts),
        )

    return decode


def caddy(records: ForeignRecords) -> Decode:
    """Decodes Caddy's access lines."""

    def decode(line: bytes) -> TrafficLog:
        found = decoded(line)
        request = found.get("request")
        if not isinstance(request, dict) or (target := _text(request.get("uri"))) is None:
            raise RejectedError("missing_field:request")
        sent = _headers(request.get("headers"))
        status = _whole(found.get("status"), "status")
        host, scheme = _text(request.get("host")), "https" if "tls" in request else "http"
        return records.build(
            f"{scheme}://{host}{target}" if host and target.startswith("/") else target,
            timestamp=_time(records, found.get("ts")),
            method=_text(request.get("method")),
            http_version=_version(_text(request.get("proto"))),
            status_code=status or None,  # 0: the client went away
            request_bytes=_whole(found.get("bytes_read"), "bytes_read"),
            response_bytes=_whole(found.get("size"), "size"),
            client_ip=_text(request.get("client_ip")) or _text(request.get("remote_ip")),
            user_agent=sent.get("user-agent"),
            request_headers=records.headers(sent),
            response_headers=records.headers(_headers(found.get("resp_headers"))),
            response_time_ms=_duration(found.get("duration"), 1000),
        )

    return decode


def is_caddy(found: Mapping[str, Any]) -> bool:
    """Whether a JSON object looks like a line of Caddy's access log."""
    return isinstance(found.get("request"), dict) and "uri" in found["request"]


def _first(found: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        value = found.get(name)
        if value is not None and value not in ("", "-"):
            return value
    return None


def _text(value: Any) -> str | None:
    """A text or a number as text; what has parts is none, and may be too deep to be written."""
    return None if value is None or isinstance(value, dict | list) else str(value)


def _version(protocol: str | None) -> str | None:
    """`1.1` of `HTTP/1.1`."""
    return (protocol or "").removeprefix("HTTP/") or None


def _whole(value: Any, name: str) -> int | None:
    if value is None or value == "-":
        return None
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise RejectedError(f"bad_value:{name}") from error
    if not 0 <= number <= MAX_INTEGER:
        raise RejectedError(f"bad_value:{name}")
    return number


def _time(records: ForeignRecords, value: Any) -> str | None:
    if value is None:
        return None
    time = epoch(value) if isinstance(value, int | float) else records.time(str(value))
    if time is None:
        raise RejectedError("bad_value:time")
    return time


def _milliseconds(facts: Mapping[str, Any]) -> float | None:
    for name, factor in (("milliseconds", 1), ("microseconds", 0.001), ("seconds", 1000)):
        if facts[name] is not None:
            return _duration(facts[name], factor)
    return None


def _duration(value: Any, factor: float) -> float | None:
    try:
        duration = float(value) * factor
    except (TypeError, ValueError, OverflowError):
        return None  # "-", a list of upstreams, a Go duration: not recorded
    return round(duration, 3) if math.isfinite(duration) and duration >= 0 else None


def _headers(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {
        name.lower(): ", ".join(_text(one) or "" for one in values)
        if isinstance(values, list)
        else _text(values) or ""
        for name, values in value.items()
    }
