"""Access logs that are text: Apache and nginx common and combined, and uvicorn's own lines.

Attack traffic is made of odd bytes, so text is read with what is no UTF-8 shown as `\\xHH`.
"""

from __future__ import annotations

import re
from typing import Any

from perfectcv_traffic.log.foreign import ForeignRecords
from perfectcv_traffic.log.lines import Decode, RejectedError
from perfectcv_traffic.record import TrafficLog

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_CUT = r'"(?:[^"\\]|\\.)*\Z'
"""A last field without its closing quote: servers cut long lines."""

_CLF = re.compile(
    rf"(?:(?P<vhost>[\w.:-]+) )?(?P<client>\S+) \S+ (?:\S.*?) \[(?P<time>[^\]]+)\] "
    rf"(?P<request>{_QUOTED}) (?P<status>\d{{3}}|-) (?P<size>\d+|-)"
    rf"(?: (?P<referer>{_QUOTED}) (?P<agent>{_QUOTED}|{_CUT}))?(?P<more>(?: .*)?)\Z",
    re.DOTALL,
)
_REQUEST = re.compile(r"([A-Za-z-]+) (\S+)(?: HTTP/([\d.]+))?\Z")
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]*[.:][0-9A-Fa-f:.]+")
_SECONDS = re.compile(r"(?:[a-z_]*=)?(\d+\.\d+)\Z")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_UVICORN = re.compile(
    r'(?P<address>\S*) - "(?P<method>[A-Z]+) (?P<target>\S+) HTTP/(?P<version>[\d.]+)"'
    r" (?P<status>\d{3})\b"
)
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_PREFIX_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d{1,6})?(?:Z|[+-]\d{2}:?\d{2})?"
)


def combined(records: ForeignRecords) -> Decode:
    """Decodes combined and common lines, also with $request_time and X-Forwarded-For appended."""

    def decode(line: bytes) -> TrafficLog:
        match = _CLF.match(_text(line))
        if not match:
            raise RejectedError("unparseable")
        if (time := records.time(match["time"])) is None:
            raise RejectedError("bad_value:time")
        more = _appended(match["more"])
        method, target, version = _request(match["request"][1:-1])
        values: dict[str, Any] = {
            "timestamp": time,
            "method": method,
            "http_version": version,
            "status_code": _number(match["status"]),
            "response_bytes": 0 if match["size"] == "-" else int(match["size"]),
            "client_ip": match["client"],
            "request_headers": records.referer(_field(match["referer"])),
            "user_agent": _field(match["agent"]),
            **more,
        }
        return records.build(target, **values)

    return decode


def uvicorn(records: ForeignRecords) -> Decode:
    """Decodes uvicorn's access lines: no duration, no size, a time only if a prefix has one."""

    def decode(line: bytes) -> TrafficLog:
        text = _COLOUR.sub("", _text(line))
        match = _UVICORN.search(text)
        if not match:
            raise RejectedError("unparseable")
        prefix = _PREFIX_TIME.search(text, 0, match.start())
        return records.build(
            match["target"],
            timestamp=records.time(prefix[0].replace(" ", "T")) if prefix else None,
            method=match["method"],
            http_version=match["version"],
            status_code=int(match["status"]),
            client_ip=match["address"].rpartition(":")[0] or None,
        )

    return decode


def _text(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace").removesuffix("\r")


def _number(text: str) -> int | None:
    return None if text == "-" else int(text)


def _field(quoted: str | None) -> str | None:
    """The value between quotes; `-` and nothing are absent."""
    if quoted is None or quoted in ('"-"', '""'):
        return None
    return _unescaped(quoted[1:].removesuffix('"'))


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], text)


def _request(request: str) -> tuple[str | None, str | None, str | None]:
    """Method, target, HTTP version; a probe that speaks no HTTP keeps its row with none."""
    match = _REQUEST.match(request)
    if match:
        return match[1], _unescaped(match[2]), match[3]
    return None, _unescaped(request) if request.startswith("/") else None, None


def _appended(text: str) -> dict[str, Any]:
    """A duration in seconds and forwarded addresses behind the known fields, in any order."""
    found: dict[str, Any] = {}
    for token in re.findall(rf"{_QUOTED}|(\S+)", text):
        value = token[0] or token[1]
        seconds = _SECONDS.match(value)
        if seconds and "response_time_ms" not in found:
            found["response_time_ms"] = round(float(seconds[1]) * 1000, 3)
        first = value.partition(",")[0].strip()
        if _ADDRESS.fullmatch(first) and not seconds:
            found["client_ip"] = first
    return found
