from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perfectcv_traffic.log.access_json import ALIASES
from perfectcv_traffic.log.formats import Formats, LogFormat
from perfectcv_traffic.log.lines import Reject
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.redaction import Redactor

COMBINED = (
    b"203.0.113.9 - alice [10/Oct/2025:13:55:36 +0200]"
    b' "GET /a%20b?q=null&token=s3cretvalue HTTP/1.1"'
    b' 200 2326 "https://example.org/from?password=hunter22" "Mozilla/5.0 (X11)"'
)
CADDY = json.dumps(
    {
        "level": "info",
        "ts": 1760097336.5,
        "logger": "http.log.access.log0",
        "msg": "handled request",
        "request": {
            "remote_ip": "10.0.0.1",
            "client_ip": "203.0.113.9",
            "proto": "HTTP/2.0",
            "method": "POST",
            "host": "api.example.org",
            "uri": "/items?x=",
            "headers": {"User-Agent": ["curl/8"], "Authorization": ["Bearer abcdefgh12345"]},
            "tls": {"proto": "h2"},
        },
        "bytes_read": 12,
        "duration": 0.0125,
        "size": 40,
        "status": 201,
        "resp_headers": {"Content-Type": ["application/json"]},
    }
).encode()
NGINX_JSON = (
    b'{"time_iso8601":"2025-10-10T13:55:36+02:00","remote_addr":"203.0.113.9",'
    b'"request":"GET /v1/x?id=undefined HTTP/1.1","status":"404","body_bytes_sent":"153",'
    b'"request_time":"0.003","http_user_agent":"-"}'
)
UVICORN = b'INFO:     127.0.0.1:56012 - "GET /items/5?q=x HTTP/1.1" 200 OK'
NATIVE = msgspec.json.encode(
    TrafficLog(request_id="r1", path="/x", token_present=False, request_headers={"a": "b"})
)


def formats() -> Formats:
    return Formats(StoredForm(), Redactor())


def facts(line: bytes, log_format: LogFormat) -> dict[str, Any]:
    record = formats().parser(log_format).parse(line)
    assert isinstance(record, TrafficLog), record
    values = msgspec.structs.asdict(record)
    raw = {
        name: json.loads(bytes(value)) if isinstance(value, msgspec.Raw) else value
        for name, value in values.items()
    }
    return {
        name: value
        for name, value in raw.items()
        if value not in (None, "", [], (), 0, False) and name != "weight"
    }


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (COMBINED, "combined"),
        (COMBINED.partition(b' "https')[0], "combined"),
        (CADDY, "caddy"),
        (NGINX_JSON, "json"),
        (UVICORN, "uvicorn"),
        (NATIVE, "native"),
        (b'{"request_id":"a","event_id":"b"}', "native"),
        (b"Traceback (most recent call last):", None),
        (b'{"half":', None),
    ],
)
def test_format_of_a_line_is_recognised(line: bytes, expected: str | None) -> None:
    assert formats().detect([line]) == expected


def test_format_most_lines_are_in_wins() -> None:
    assert formats().detect([UVICORN, b"junk", COMBINED, COMBINED, b""]) == LogFormat.COMBINED


def test_combined_line_becomes_a_record_without_secrets() -> None:
    found = facts(COMBINED, LogFormat.COMBINED)
    nulls = [msgspec.structs.asdict(null) for null in found.pop("null_params_details")]
    assert found == {
        "timestamp": "2025-10-10T11:55:36.000000Z",
        "method": "GET",
        "http_version": "1.1",
        "url": "/a%20b?q=null&token=[REDACTED]",
        "path": "/a b",
        "query_params": "q=null&token=[REDACTED]",
        "request_headers": {"referer": "https://example.org/from?password=[REDACTED]"},
        "response_bytes": 2326,
        "client_ip": "203.0.113.9",
        "user_agent": "Mozilla/5.0 (X11)",
        "status_code": 200,
        "null_params_count": 1,
    }
    assert nulls == [
        {"field_name": "q", "field_path": "q", "location": "query", "kind": "null_text"}
    ]


def test_combined_line_without_credentials_says_nothing_about_tokens() -> None:
    record = formats().parser(LogFormat.COMBINED).parse(COMBINED)
    assert isinstance(record, TrafficLog)
    assert (record.token_present, record.token_validity, record.response_time_ms) == (None,) * 3


@pytest.mark.parametrize(
    ("appended", "expected"),
    [
        (b" 0.125", {"response_time_ms": 125.0, "client_ip": "203.0.113.9"}),
        (b' "198.51.100.7, 10.0.0.1"', {"client_ip": "203.0.113.9"}),
        (b' "198.51.100.7" 1.5 -', {"response_time_ms": 1500.0, "client_ip": "203.0.113.9"}),
        (b' rt=0.010 "-"', {"response_time_ms": 10.0, "client_ip": "203.0.113.9"}),
    ],
)
def test_combined_line_with_appended_fields_takes_them(
    appended: bytes, expected: dict[str, Any]
) -> None:
    found = facts(COMBINED + appended, LogFormat.COMBINED)
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("request_line", "method", "path"),
    [
        (rb"\x16\x03\x01\x02", None, ""),
        (b"-", None, ""),
        (b"", None, ""),
        (rb"GET /\xE2\x82 HTTP/1.1", "GET", "/\xe2\x82"),
        (b'GET /say/\\"hi\\" HTTP/1.1', "GET", '/say/"hi"'),
        (b"PROPFIND / HTTP/1.1", "PROPFIND", "/"),
        (b"GET http://other.example/p?q HTTP/1.1", "GET", "/p"),
    ],
)
def test_combined_line_with_odd_request_keeps_its_row(
    request_line: bytes, method: str | None, path: str
) -> None:
    line = b'::1 - - [10/Oct/2025:13:55:36 +0000] "' + request_line + b'" 400 0 "-" "-"'
    record = formats().parser(LogFormat.COMBINED).parse(line)
    assert isinstance(record, TrafficLog)
    assert (record.method, record.path, record.status_code) == (method, path, 400)


def test_caddy_line_becomes_a_record_without_secrets() -> None:
    found = facts(CADDY, LogFormat.CADDY)
    assert found["timestamp"] == "2025-10-10T11:55:36.500000Z"
    assert found["url"] == "https://api.example.org/items?x="
    assert found["request_headers"] == {"user-agent": "curl/8", "authorization": "[REDACTED]"}
    assert (found["path"], found["method"], found["status_code"]) == ("/items", "POST", 201)
    assert (found["response_time_ms"], found["request_bytes"]) == (12.5, 12)
    assert found["null_params_count"] == 1


@pytest.mark.parametrize("method", ["", '"request_method":"GET",', '"method":"GET",'])
@pytest.mark.parametrize(
    ("named", "target"),
    [
        ("request", "/users/1?a=1"),
        ("request", "/a b/c?a=1"),
        ("request", "http://other.example/users/1?a=1"),
        ("path", "/users/1?a=1"),
    ],
)
def test_json_line_with_a_request_line_is_taken_apart(method: str, named: str, target: str) -> None:
    line = f'{{{method}"{named}":"GET {target} HTTP/1.1","status":200}}'
    found = facts(line.encode(), LogFormat.JSON)
    assert (found["method"], found["url"], found["http_version"]) == ("GET", target, "1.1")
    assert found["path"] == target.partition("?")[0].removeprefix("http://other.example")
    assert found["query_params"] == "a=1"


def test_json_line_with_a_decoded_path_of_three_words_keeps_it() -> None:
    line = b'{"uri":"/a b HTTP/1.1","status":200,"server_protocol":"HTTP/2.0"}'
    found = facts(line, LogFormat.JSON)
    assert (found["path"], found["http_version"]) == ("/a b HTTP/1.1", "2.0")
    assert "method" not in found


def test_json_line_with_numbers_as_text_becomes_a_record() -> None:
    assert facts(NGINX_JSON, LogFormat.JSON) | {"null_params_details": []} == {
        "timestamp": "2025-10-10T11:55:36.000000Z",
        "method": "GET",
        "http_version": "1.1",
        "url": "/v1/x?id=undefined",
        "path": "/v1/x",
        "query_params": "id=undefined",
        "status_code": 404,
        "response_bytes": 153,
        "client_ip": "203.0.113.9",
        "response_time_ms": 3.0,
        "null_params_count": 1,
        "null_params_details": [],
    }


@pytest.mark.parametrize(
    ("line", "timestamp", "client"),
    [
        (UVICORN, None, "127.0.0.1"),
        (b"2025-10-10 13:55:36,250 " + UVICORN, "2025-10-10T13:55:36.250000Z", "127.0.0.1"),
        (b'\x1b[32mINFO\x1b[0m: ::1:80 - "\x1b[1mGET / HTTP/1.1\x1b[0m" 404', None, "::1"),
    ],
)
def test_uvicorn_line_has_a_time_only_if_its_prefix_has(
    line: bytes, timestamp: str | None, client: str
) -> None:
    record = formats().parser(LogFormat.UVICORN).parse(line)
    assert isinstance(record, TrafficLog)
    assert (record.timestamp, record.client_ip) == (timestamp, client)


HUGE = "1" + "0" * 400
VALUES = st.sampled_from([
    HUGE, f"-{HUGE}", "1e308", "1e400", "-0.0", "18446744073709551615", "true", "null", "[]", "{}",
    '["a",1]', '"-"', '""', f'"{HUGE}"', '"1e400"', '"nan"', '"inf"', '"/a b"', '"\\ud800"',
])  # fmt: skip
NAMES = sorted({name for names in ALIASES.values() for name in names})


@given(st.dictionaries(st.sampled_from([*NAMES, "server_protocol", "resp_headers"]), VALUES))
@example({"uri": '"/"', "ts": HUGE})
@example({"uri": '"/"', "status": "200", "duration_us": HUGE})
def test_json_line_of_any_values_is_a_record_or_rejected(values: dict[str, str]) -> None:
    pairs = [f'"{name}":{value}' for name, value in values.items()]
    request = ",".join(['"uri":"/"', *pairs])
    for line in (pairs, [*pairs, f'"request":{{{request}}}']):
        for log_format in (LogFormat.JSON, LogFormat.CADDY):
            parsed = formats().parser(log_format).parse(f"{{{','.join(line)}}}".encode())
            assert isinstance(parsed, TrafficLog | Reject)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"timestamp":"x","path":"/","status":200}', "bad_value:time"),
        (b'{"timestamp":1%s,"path":"/","status":200}' % (b"0" * 400), "bad_value:time"),
        (b'{"timestamp":"1%s","path":"/","status":200}' % (b"0" * 400), "bad_value:time"),
        (b'{"path":"/","status":"many"}', "bad_value:status"),
        (b'{"path":"/","status":-1}', "bad_value:status"),
        (b'{"status":200}', "missing_field:path"),
        (b'{"path":"/"}', "missing_field:status"),
        (b"[1]", "not_a_record"),
        (b'{"path":"/","status":200,"x":NaN}', "json"),
        (b'{"path":"caf\xe9","status":200}', "utf8"),
    ],
)
def test_json_line_that_is_no_record_is_rejected_with_the_reason(line: bytes, reason: str) -> None:
    parsed = formats().parser(LogFormat.JSON).parse(line)
    assert isinstance(parsed, Reject)
    assert parsed.reason == reason
