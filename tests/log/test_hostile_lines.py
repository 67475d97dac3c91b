"""Lines that somebody made up, cut or padded: each becomes something, none stops the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.log.formats import Formats, LogFormat
from perfectcv_traffic.log.lines import MAX_LINE, Reject, Salvaged
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.log.reader import chunks_of
from perfectcv_traffic.proxies import TrustedProxies
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.redaction import Redactor

FORMATS = Formats(StoredForm(), Redactor(), lambda path: path, TrustedProxies(["10.0.0.0/8"]))

COMBINED = (
    b'10.0.0.1 - - [21/Nov/2026:10:00:00 +0000] "GET /a?b=null HTTP/1.1" 200 5 "-" "curl" 0.5'
    b' "203.0.113.9"'
)
UVICORN = b'2026-11-21 10:00:00,5 INFO:     10.0.0.1:5 - "GET /a HTTP/1.1" 200 OK'
JSON = (
    b'{"time":"2026-11-21T10:00:00Z","remote_addr":"10.0.0.1","request":"GET /a HTTP/1.1",'
    b'"status":200,"request_time":"0.5","request_id":"r","body_bytes_sent":7,"http_referer":"/b"}'
)
CADDY = (
    b'{"ts":1795255200.5,"request":{"remote_ip":"10.0.0.1","method":"GET","uri":"/a","host":"h",'
    b'"headers":{"User-Agent":["curl"]}},"status":200,"duration":0.5,"size":7}'
)
NATIVE = b'{"request_id":"r","path":"/a","timestamp":"2026-11-21T10:00:00.000000Z"}'
LINES = {
    LogFormat.COMBINED: COMBINED,
    LogFormat.UVICORN: UVICORN,
    LogFormat.JSON: JSON,
    LogFormat.CADDY: CADDY,
    LogFormat.NATIVE: NATIVE,
}
PIECES = st.sampled_from([
    b'"', b"\\", b"[", b"]", b" ", b"-", b"{", b"}", b":", b",", b"%", b"\xff", b"\0", b"\r",
    b"null",
    b"://[", b"9999", b"0001-01-01T00:00:00+14:00", b"01/Jan/0001:00:00:00 +1400", b"9" * 400,
    "\u0661\u2028\udcff".encode("utf-8", "surrogatepass"), b"[" * 300 + b"]" * 300, b"true",
    b"1e400",
])  # fmt: skip


def parsed(line: bytes, log_format: LogFormat) -> Any:
    return FORMATS.parser(log_format).parse(line)


@st.composite
def changed_lines(draw: Callable[..., Any]) -> tuple[LogFormat, bytes]:
    """A line of a format with some of its bytes replaced."""
    log_format = draw(st.sampled_from([*LINES]))
    line = LINES[log_format]
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(line)))
        end = min(len(line), start + draw(st.integers(0, 12)))
        line = line[:start] + draw(PIECES) + line[end:]
    return log_format, line


@given(changed_lines())
@example(
    (LogFormat.COMBINED, COMBINED.replace(b"21/Nov/2026", b"01/Jan/0001").replace(b"+0", b"+1"))
)
@example((LogFormat.JSON, JSON.replace(b"2026-11-21T10:00:00Z", b"9999-12-31T23:00:00-02:00")))
@example((LogFormat.JSON, JSON.replace(b'"GET /a HTTP/1.1"', b"[" * 900 + b"]" * 900)))
@example((LogFormat.CADDY, CADDY.replace(b'"curl"', b"[" * 900 + b"]" * 900)))
def test_every_line_becomes_something(case: tuple[LogFormat, bytes]) -> None:
    log_format, line = case
    found = parsed(line.replace(b"\n", b""), log_format)
    assert found is None or isinstance(found, TrafficLog | Reject | Salvaged)
    if isinstance(found, TrafficLog):
        StoredForm().row(found)


@pytest.mark.parametrize("log_format", [LogFormat.COMBINED, LogFormat.UVICORN])
@pytest.mark.parametrize(
    "before", [b"\xef\xbb\xbf", b"\0" * 9, b"\0\xef\xbb\xbf", b"\0" * MAX_LINE]
)
def test_what_stands_before_a_line_is_no_part_of_it(log_format: LogFormat, before: bytes) -> None:
    found = parsed(before + LINES[log_format] + b"\r", log_format)
    assert found == parsed(LINES[log_format], log_format)
    assert found.client_ip == ("203.0.113.9" if log_format == LogFormat.COMBINED else "10.0.0.1")


def test_target_with_blanks_keeps_its_method() -> None:
    line = COMBINED.replace(b"/a?b=null", b"/a b?q=1 OR 1=1")
    found = parsed(line, LogFormat.COMBINED)
    assert (found.method, found.path, found.http_version) == ("GET", "/a b", "1.1")


@pytest.mark.parametrize("zeros", [0, 3, 6, 9], ids=["s", "ms", "us", "ns"])
def test_seconds_since_1970_may_be_counted_in_smaller_units(zeros: int) -> None:
    line = JSON.replace(b'"2026-11-21T10:00:00Z"', b"1795255200" + b"0" * zeros)
    assert parsed(line, LogFormat.JSON).timestamp == "2026-11-21T10:00:00.000000Z"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_log_in_utf_16_is_refused_with_what_to_do(tmp_path: Path, encoding: str) -> None:
    log = tmp_path / "access.log"
    mark = b"" if encoding == "utf-16" else b"\xfe\xff"
    log.write_bytes(mark + (UVICORN.decode() + "\n").encode(encoding))
    with pytest.raises(StorageError, match=r"access\.log .* UTF-16"):
        list(chunks_of(log))
