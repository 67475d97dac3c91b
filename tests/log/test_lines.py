from __future__ import annotations

import pytest

from perfectcv_traffic.log.formats import Formats, LogFormat
from perfectcv_traffic.log.lines import MAX_LINE, RAW_LIMIT, Parsed, Reject, Salvaged
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.redaction import Redactor

WHOLE = b'{"request_id":"r1","path":"/x","status_code":200}'


def parse(line: bytes, log_format: LogFormat = LogFormat.NATIVE) -> Parsed:
    return Formats(StoredForm(), Redactor()).parser(log_format).parse(line)


@pytest.mark.parametrize(
    "line",
    [
        WHOLE,
        WHOLE + b"\r",
        b"\xef\xbb\xbf" + WHOLE,
        b"\0" * 5000 + WHOLE,
        b"\0\0\xef\xbb\xbf" + WHOLE + b"\r",
        WHOLE.replace(b"/x", "/a\u2028b\u0085c".encode()),
        WHOLE.replace(b"}", b',"unknown":[{"deep":null}]}'),
    ],
)
def test_line_that_holds_a_record_is_one(line: bytes) -> None:
    record = parse(line)
    assert isinstance(record, TrafficLog)
    assert (record.request_id, record.status_code) == ("r1", 200)


@pytest.mark.parametrize("line", [b"", b"\r", b"  \t", b"\0\0\0", b"\xef\xbb\xbf\r"])
def test_line_without_content_is_blank(line: bytes) -> None:
    assert parse(line) is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"not json", "json"),
        (b'{"path":"/x"}', "missing_field:request_id"),
        (b'{"request_id":"r","status_code":"x"}', "bad_value:status_code"),
        (b'{"request_id":"r","status_code":-1}', "bad_value:status_code"),
        (b'{"request_id":"r","status_code":9223372036854775808}', "bad_value:status_code"),
        (b'{"request_id":"r","response_time_ms":1e999}', "bad_value:response_time_ms"),
        (b'{"request_id":"r","response_time_ms":NaN}', "json"),
        (b'{"request_id":"r","token_validity":"maybe"}', "bad_value:token_validity"),
        (b'{"request_id":"\\ud83d"}', "json"),
        (b'{"request_id":"\xff"}', "utf8"),
        (b'{"request_id":"r","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "json"),
        (b'{"request_id":"r","path":"' + b"x" * MAX_LINE + b'"}', "too_long"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_line_that_cannot_be_stored_is_rejected_with_the_reason(line: bytes, reason: str) -> None:
    parsed = parse(line)
    assert isinstance(parsed, Reject)
    assert parsed.reason == reason
    assert len(parsed.raw) <= 4 * RAW_LIMIT


def test_torn_line_gives_its_whole_record_and_rejects_its_front() -> None:
    parsed = parse(WHOLE[:20] + WHOLE)
    assert isinstance(parsed, Salvaged)
    assert parsed.position == 20
    assert parsed.record.request_id == "r1"
    assert parsed.front == Reject("torn", WHOLE[:20].decode())


@pytest.mark.parametrize("cut", [1, 5, 9])
def test_rejected_line_that_is_kept_in_part_shows_no_part_of_a_secret(cut: int) -> None:
    for before in (" https://bob:", " Bearer "):
        line = f"{before:x>{RAW_LIMIT - cut}}Zq7Zq7Zq7Zq7@host"
        parsed = parse(line.encode())
        assert isinstance(parsed, Reject)
        assert "REDACTED" in parsed.raw
        assert "Z" not in parsed.raw


def test_rejected_line_keeps_no_secret() -> None:
    parsed = parse(b'oops {"password": "hunter2", "authorization": "Bearer abcdef123456"')
    assert isinstance(parsed, Reject)
    assert "hunter2" not in parsed.raw
    assert "abcdef123456" not in parsed.raw


def test_text_line_with_odd_bytes_is_kept_readable() -> None:
    line = b'1.2.3.4 - - [10/Oct/2025:13:55:36 +0000] "GET /\xff HTTP/1.1" 404 1'
    record = parse(line, LogFormat.COMBINED)
    assert isinstance(record, TrafficLog)
    assert "xff" in record.path or "\xff" in record.path
