"""What clients can write into an access log: it decides neither who they are nor when it was."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perfectcv_traffic.log.formats import Formats, LogFormat
from perfectcv_traffic.log.lines import MAX_LINE, Reject
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.proxies import TrustedProxies
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.redaction import Redactor

CLIENT, TIME = "203.0.113.9", "2026-11-21T10:00:00.000000Z"
REST = '[21/Nov/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl/8"'


def read(line: str, *trusted: str, log_format: LogFormat = LogFormat.COMBINED) -> TrafficLog:
    formats = Formats(StoredForm(), Redactor(), proxies=TrustedProxies(trusted))
    record = formats.parser(log_format).parse(line.encode())
    assert isinstance(record, TrafficLog), record
    return record


def rejected(line: str, log_format: LogFormat) -> str:
    parsed = Formats(StoredForm(), Redactor()).parser(log_format).parse(line.encode())
    assert isinstance(parsed, Reject)
    return parsed.reason


def escaped(user: str) -> str:
    """A user's name as nginx and Apache write it: nothing in it can end the field."""
    return "".join(
        letter if " " <= letter <= "~" and letter not in '"\\' else f"\\x{ord(letter) % 256:02X}"
        for letter in user
    )


@given(user=st.text(min_size=1) | st.text("- [].:0az", min_size=1))
@example(user="john doe")
@example(user="a b [21/Nov/2020:09:00:00 +0000")
@example(user='a [21/Nov/2020:09:00:00 +0000] "GET /b HTTP/1.1" 200 5')
@example(user="- 198.51.100.1 - -")
@example(user=" leading")
@pytest.mark.parametrize("client", [CLIENT, "host.example"])
def test_user_of_any_name_forges_neither_client_nor_time(client: str, user: str) -> None:
    record = read(f"{client} - {escaped(user)} {REST}")
    assert (record.client_ip, record.timestamp, record.path) == (client, TIME, "/a")


@given(user=st.text(min_size=1) | st.text("- [].:0az", min_size=1))
@pytest.mark.parametrize("host", ["example.com:80", "10.0.0.9:443"])
def test_user_of_any_name_behind_a_virtual_host_forges_neither_client_nor_time(
    host: str, user: str
) -> None:
    record = read(f"{host} {CLIENT} - {escaped(user)} {REST}")
    assert (record.client_ip, record.timestamp, record.path) == (CLIENT, TIME, "/a")


@pytest.mark.parametrize(
    ("beginning", "client"),
    [
        ("203.0.113.9 ident john", "203.0.113.9"),
        ("203.0.113.9 ident john doe", "203.0.113.9"),
        ("example.com:80 203.0.113.9 ident john", "203.0.113.9"),
        ("example.com:80 2001:db8::5 - -", "2001:db8::5"),
        ("10.0.0.9 203.0.113.9 - john", "203.0.113.9"),
    ],
)
def test_words_before_the_time_tell_the_client(beginning: str, client: str) -> None:
    assert read(f"{beginning} {REST}").client_ip == client


@pytest.mark.parametrize(
    "beginning", ["203.0.113.9 -", "203.0.113.9", " - -", "203.0.113.9  - -", "203.0.113.9\t- - -"]
)
def test_line_without_a_client_is_rejected(beginning: str) -> None:
    assert rejected(f"{beginning} {REST}", LogFormat.COMBINED) == "unparseable"


@pytest.mark.parametrize(
    ("trusted", "appended", "expected"),
    [
        ((), '"198.51.100.7"', CLIENT),
        (("10.0.0.0/8",), '"198.51.100.7"', CLIENT),
        ((CLIENT,), '"198.51.100.7"', "198.51.100.7"),
        ((CLIENT,), '"1.2.3.4, 198.51.100.7"', "198.51.100.7"),
        ((CLIENT, "10.0.0.0/8"), '"1.2.3.4, 198.51.100.7, 10.0.0.2"', "198.51.100.7"),
        ((CLIENT,), '"<script>, 198.51.100.7"', "198.51.100.7"),
        ((CLIENT, "10.0.0.0/8"), '"<script>, 10.0.0.2"', None),
        ((CLIENT,), '"2001:db8::1" 0.125', "2001:db8::1"),
        ((CLIENT,), '"-"', CLIENT),
        ((CLIENT,), '"unknown"', CLIENT),
        ((CLIENT,), "10.0.0.5:8080", CLIENT),
        ((CLIENT,), '"198.51.100.7" "10.0.0.5:8080"', "198.51.100.7"),
        (("*",), '"1.2.3.4, 5.6.7.8"', "1.2.3.4"),
    ],
)
def test_forwarded_address_counts_as_far_as_proxies_are_trusted(
    trusted: tuple[str, ...], appended: str, expected: str | None
) -> None:
    assert read(f"{CLIENT} - - {REST} {appended}", *trusted).client_ip == expected


def test_forwarded_address_counts_through_a_trusted_unix_socket() -> None:
    line = f'unix: - - {REST} "198.51.100.7"'
    assert read(line).client_ip == "unix:"
    assert read(line, "unix").client_ip == "198.51.100.7"


def test_proxies_are_those_of_the_environment_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERFECTCV_TRAFFIC_TRUSTED_PROXIES", f"10.0.0.0/8,{CLIENT}")
    parser = Formats(StoredForm(), Redactor()).parser(LogFormat.COMBINED)
    record = parser.parse(f'{CLIENT} - - {REST} "198.51.100.7"'.encode())
    assert isinstance(record, TrafficLog)
    assert record.client_ip == "198.51.100.7"


@pytest.mark.parametrize("size", ["9" * 19, "9" * 5000])
def test_size_beyond_a_database_is_rejected_with_the_reason(size: str) -> None:
    line = f"{CLIENT} - - {REST}".replace(" 200 5 ", f" 200 {size} ")
    assert rejected(line, LogFormat.COMBINED) == "bad_value:size"


def test_duration_beyond_any_number_is_not_recorded() -> None:
    assert read(f"{CLIENT} - - {REST} {'9' * 400}.0").response_time_ms is None


@pytest.mark.parametrize(
    ("log_format", "unit"),
    [
        (LogFormat.UVICORN, "a"),
        (LogFormat.UVICORN, ' - "A '),
        (LogFormat.UVICORN, ' - "GET a'),
        (LogFormat.UVICORN, "\x1b[1"),
        (LogFormat.UVICORN, "2026-11-21"),
        (LogFormat.COMBINED, "a"),
        (LogFormat.COMBINED, " "),
        (LogFormat.COMBINED, " [x"),
        (LogFormat.COMBINED, f'{CLIENT} - - [x] "'),
        (LogFormat.COMBINED, ' [x] "\\'),
        (LogFormat.COMBINED, ' [x] "\\" 200 5 "'),
    ],
)
def test_line_of_a_megabyte_is_looked_through_once(log_format: LogFormat, unit: str) -> None:
    """Patterns that look at it again for each character would need hours here."""
    line = (f"{CLIENT} - u" + unit * MAX_LINE)[:MAX_LINE]
    assert rejected(line, log_format) == "unparseable"


@pytest.mark.parametrize("unit", ['"', '" ', '"\\" ', "1", "1.", "a=", '"1, ', "1 "])
def test_appended_text_of_a_megabyte_is_looked_through_once(unit: str) -> None:
    line = (f"{CLIENT} - - {REST} " + unit * MAX_LINE)[:MAX_LINE]
    assert read(line, "*").path == "/a"
