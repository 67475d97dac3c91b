"""Access logs that are text: Apache and nginx common and combined, and uvicorn's own lines.

Attack traffic is made of odd bytes, so text is read with what is no UTF-8 shown as `\\xHH`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from perfectcv_traffic.log.foreign import ForeignRecords
from perfectcv_traffic.log.lines import BYTE_ORDER_MARK, Decode, RejectedError
from perfectcv_traffic.proxies import TrustedProxies, address, hops
from perfectcv_traffic.record import TrafficLog

MAX_DIGITS = 18
"""Of a size: what has more is none, and too large for a database."""

_INSIDE = r'[^"\\]*+(?:\\.[^"\\]*+)*+'
_QUOTED = rf'"{_INSIDE}"'
_CUT = rf'"{_INSIDE}\Z'
"""A last field without its closing quote: servers cut long lines."""

_TIME_END = '] "'
"""Between time and request; servers escape quotes, so no user name can hold it."""

# No part of a pattern can match in two ways what the next one may, so that no line, however long,
# takes more than one look at each character.
_ANSWERED = re.compile(
    rf'(?P<request>{_INSIDE})" (?P<status>\d{{3}}|-) (?P<size>\d++|-)'
    rf"(?: (?P<referer>{_QUOTED}) (?P<agent>{_QUOTED}|{_CUT}))?(?P<more>(?: .*)?)\Z",
    re.DOTALL,
)
_WORD = re.compile(r"\S++\Z")
_VHOST = re.compile(r"[\w.:-]++\Z")
_REQUEST = re.compile(r"([A-Za-z-]++) (\S++)(?: HTTP/([\d.]++))?\Z")
_WITH_BLANKS = re.compile(r"([A-Za-z-]++) (/.*) HTTP/([\d.]++)\Z", re.DOTALL)
"""A target with blanks in it, against the rules: only what follows tells where it ends."""
_SECONDS = re.compile(r"(?:[a-z_]*+=)?(\d{1,12}\.\d{1,12})\Z")
_APPENDED = re.compile(rf'"({_INSIDE})"|(\S++)')
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_UVICORN = re.compile(
    r' - "(?P<method>[A-Z]++) (?P<target>\S++) HTTP/(?P<version>[\d.]++)" (?P<status>\d{3})\b'
)
_COLOUR = re.compile(r"\x1b\[[\d;]*+m")
_PREFIX_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d{1,6})?(?:Z|[+-]\d{2}:?\d{2})?"
)
_UNIX_SOCKET = "unix:"
"""What nginx writes for a client that came through one."""

_WITH_VHOST = 4
"""Words before the time, of a line that begins with the name of a virtual host."""


def combined(records: ForeignRecords, proxies: TrustedProxies) -> Decode:
    """Decodes combined and common lines, also with $request_time and X-Forwarded-For appended."""

    def decode(line: bytes) -> TrafficLog:
        before, _, answered = _text(line).partition(_TIME_END)
        whose, bracket, when = before.rpartition(" [")
        client = _client(whose)
        match = _ANSWERED.match(answered)
        if not (bracket and client and match):
            raise RejectedError("unparseable")
        if (time := records.time(when)) is None:
            raise RejectedError("bad_value:time")
        method, target, version = _request(match["request"])
        more = match["more"]
        values: dict[str, Any] = {
            "timestamp": time,
            "method": method,
            "http_version": version,
            "status_code": _number(match["status"]),
            "response_bytes": _size(match["size"]),
            "client_ip": client,
            "request_headers": records.referer(_field(match["referer"])),
            "user_agent": _field(match["agent"]),
        }
        if more:
            _append(values, more, proxies)
        return records.build(target, **values)

    return decode


def uvicorn(records: ForeignRecords) -> Decode:
    """Decodes uvicorn's access lines: no duration, no size, a time only if a prefix has one."""

    def decode(line: bytes) -> TrafficLog:
        text = _COLOUR.sub("", _text(line))
        match = _UVICORN.search(text)
        if not match:
            raise RejectedError("unparseable")
        before = text[: match.start()]
        peer = before.rsplit(None, 1)[-1] if before[-1:].strip() else ""
        prefix = _PREFIX_TIME.search(before, 0, len(before) - len(peer))
        return records.build(
            match["target"],
            timestamp=records.time(prefix[0].replace(" ", "T")) if prefix else None,
            method=match["method"],
            http_version=match["version"],
            status_code=int(match["status"]),
            client_ip=peer.rpartition(":")[0] or None,
        )

    return decode


def _text(line: bytes) -> str:
    """A line without what programs put around it: NULs (copytruncate), a mark of byte order, CR."""
    line = line.lstrip(b"\0").removeprefix(BYTE_ORDER_MARK)
    return line.decode("utf-8", "backslashreplace").removesuffix("\r")


def _size(text: str) -> int:
    """Bytes, `-` for none; nothing that a database cannot hold."""
    if len(text) > MAX_DIGITS:
        raise RejectedError("bad_value:size")
    return 0 if text == "-" else int(text)


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
    match = _REQUEST.match(request) or _WITH_BLANKS.match(request)
    if match:
        return match[1], _unescaped(match[2]), match[3]
    return None, _unescaped(request) if request.startswith("/") else None, None


def _append(values: dict[str, Any], text: str, proxies: TrustedProxies) -> None:
    """Add a duration in seconds and a forwarded address behind the known fields, in any order.

    Only a trusted proxy is believed who forwarded: everybody else may have made it up.
    """
    peer = None if values["client_ip"] == _UNIX_SOCKET else values["client_ip"]
    is_believed = proxies.believes(peer)
    for found in _APPENDED.finditer(text):
        quoted, bare = found.groups()
        seconds = _SECONDS.match(bare or quoted)
        if seconds and "response_time_ms" not in values:
            values["response_time_ms"] = round(float(seconds[1]) * 1000, 3)
        elif is_believed and quoted and _ends_in_address(forwarded := hops(quoted)):
            values["client_ip"] = proxies.client_behind(peer, forwarded)
            is_believed = False


def _client(whose: str) -> str | None:
    """The client's address in `[VHOST] CLIENT IDENT USER`; None if it is not there.

    The user comes from the client and may be any words, as `- 10.0.0.1 - -`. The second word tells:
    it is `-` (nobody asks identd) or, after a virtual host, an address.
    """
    words = whose.split(" ", _WITH_VHOST - 1)
    if len(words) < _WITH_VHOST - 1 or not words[1]:
        return None
    client = words[1] if _has_vhost(words) else words[0]
    return client if _WORD.match(client) else None


def _has_vhost(words: Sequence[str]) -> bool:
    if len(words) < _WITH_VHOST or words[1] == "-" or not _VHOST.match(words[0]):
        return False
    return words[2] == "-" or address(words[0]) is None


def _ends_in_address(forwarded: Sequence[str]) -> bool:
    """Whether the nearest proxy wrote an address there: else it is another field."""
    return bool(forwarded) and address(forwarded[-1]) is not None
