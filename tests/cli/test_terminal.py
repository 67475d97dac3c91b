"""The program on a pseudo-terminal: what a person sees, and that nothing recorded acts there."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import msgspec
import pytest
from rich.cells import cell_len

from perfectcv_traffic.record import TrafficLog

if sys.platform == "win32":
    pytest.skip("a pseudo-terminal of Unix", allow_module_level=True)

import fcntl
import termios

Program = Callable[..., subprocess.CompletedProcess[str]]

DEADLINE = 120.0


class Terminal:
    """A running program, the columns and rows of its terminal, and all that it has written."""

    def __init__(
        self,
        *arguments: str,
        cwd: Path,
        columns: int,
        rows: int = 40,
        has_progress: bool = False,
        **variables: str,
    ) -> None:
        self.output = b""
        self._master, slave = os.openpty()
        self.resize(columns, rows, tell=False)
        outside = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CI"}
        clean = {
            name: value
            for name, value in os.environ.items()
            if "PERFECTCV" not in name and name not in outside
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "perfectcv_traffic", *arguments],
            cwd=cwd,
            env={**clean, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **variables},
            stdin=slave,
            stdout=slave,
            # Progress is drawn over and over.
            stderr=slave if has_progress else subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE)
        os.close(self._master)

    def resize(self, columns: int, rows: int, *, tell: bool = True) -> None:
        """Give the terminal another size; the program is told by a signal."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell:
            self.process.send_signal(signal.SIGWINCH)

    def until(self, text: str, *, after: int = 0) -> int:
        """Read on until a text is there beyond an offset; returns the offset behind it."""
        wanted, end = text.encode(), time.monotonic() + DEADLINE
        while (found := self.output.find(wanted, after)) < 0:
            assert time.monotonic() < end, f"{text!r} did not come: {self.output[-500:]!r}"
            assert self._more(), f"it ended without {text!r}: {self.output[-500:]!r}"
        return found + len(wanted)

    def to_its_end(self) -> str:
        """Everything that it writes until it ends."""
        end = time.monotonic() + DEADLINE
        while self._more():
            assert time.monotonic() < end, f"it did not end: {self.output[-500:]!r}"
        self.process.wait(DEADLINE)
        return self.output.decode()

    def _more(self) -> bool:
        """Read what there is; False at the end."""
        if not select.select([self._master], [], [], DEADLINE)[0]:
            return False
        try:
            data = os.read(self._master, 65_536)
        except OSError:  # Linux ends a pseudo-terminal so
            return False
        self.output += data
        return bool(data)


HOSTILE = (
    "/\x1b[31mred\x1b[0m\x07\x1b[2J\x1b[10;10H", "/\x9b31m/\x9d0;title\x9c", "/[bold red]x[/]",
    "/evil\u202egnp.exe", "/line\nbreak\ttab\r", "/" + "a/" * 5000, "/用户/{id}/简历",
    "/مستخدمين/{id}", "/\x1b]8;;http://evil\x07click\x1b]8;;\x07", "/zero\u200bwidth", "/null\x00",
)  # fmt: skip
STYLE = re.compile(r"\x1b\[([\d;]*)m")
ACTION = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")
COLOURS = re.compile(r"3\d|4\d|9\d|10\d")
"""Parameters of a style that are a colour; the others make text bold or dim."""


def write(log: Path, *records: TrafficLog) -> None:
    with log.open("ab") as file:
        file.write(b"".join(msgspec.json.encode(one) + b"\n" for one in records))


def request(number: int, **changes: object) -> TrafficLog:
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    values: dict[str, object] = {
        "timestamp": now, "method": "GET", "path": "/me", "route": "/me", "status_code": 200,
        "auth_required": True, "token_validity": "absent", "response_time_ms": 10.0,
    }  # fmt: skip
    return msgspec.convert(
        {"request_id": str(number), "event_id": str(number), **values, **changes}, TrafficLog
    )


@pytest.fixture(name="hostile")
def _hostile(tmp_path: Path) -> Path:
    """A log in which every text that a client chooses is hostile."""
    for number, text in enumerate(HOSTILE * 3):
        write(
            tmp_path / "hostile.log",
            request(
                number, path=text, route=text, user_agent=text, client_ip=text, api_token=text,
                error_message=text, scenario=text, login_uuid=text,
                status_code=(200, 500)[number % 2],
            ),
        )  # fmt: skip
    return tmp_path


EVERYTHING = [
    word
    for name in ("findings", "top_endpoints", "clients", "user_agents", "slowest_requests",
                 "failing_requests", "uuid_logins", "scenarios", "url_accesses", "status_classes")
    for word in ("--only", name)
]  # fmt: skip


@pytest.mark.parametrize("columns", [80, 200])
def test_nothing_recorded_acts_on_the_terminal(hostile: Path, columns: int) -> None:
    arguments = ("analyze", "hostile.log", "--no-charts", *EVERYTHING)
    with Terminal(*arguments, cwd=hostile, columns=columns) as terminal:
        written = terminal.to_its_end()

    plain = STYLE.sub("", written).replace("\r\n", "\n")
    assert terminal.process.returncode == 0, written
    assert r"\x1b[2J\x1b[10;10H" in plain.replace("\n", "").replace(" ", "")
    assert all(line.isprintable() for line in plain.split("\n"))
    assert max(map(cell_len, plain.split("\n"))) <= columns


@pytest.mark.parametrize(
    "arguments",
    [
        ("query", "SELECT path, route, user_agent FROM api_requests"), ("export",),
        ("export", "--format", "csv"), ("analyze", "--only", "clients", "--csv", "--no-charts"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_is_meant_for_programs_does_not_act_on_a_terminal_either(
    hostile: Path, program: Program, arguments: tuple[str, ...]
) -> None:
    assert program("ingest", "hostile.log").returncode == 0
    with Terminal(*arguments, cwd=hostile, columns=80) as terminal:
        written = terminal.to_its_end()

    assert terminal.process.returncode == 0, written
    assert all(line.isprintable() for line in written.replace("\r\n", "\n").split("\n"))
    assert "\\x1b[31m" in written or "\\u001b[31m" in written


def test_colours_are_the_terminals_own_for_a_light_or_dark_background(hostile: Path) -> None:
    with Terminal("analyze", "hostile.log", "--no-charts", cwd=hostile, columns=80) as terminal:
        written = terminal.to_its_end()

    used = {one for found in STYLE.findall(written) for one in found.split(";")}
    assert used - {"", "0", "1", "2"} <= {"31", "35"}  # red and magenta are read on both
    assert "31" in used


def test_no_color_leaves_no_colour(hostile: Path) -> None:
    arguments = ("analyze", "hostile.log", "--no-charts")
    with Terminal(*arguments, cwd=hostile, columns=80, NO_COLOR="1") as terminal:
        written = terminal.to_its_end()

    used = {one for found in STYLE.findall(written) for one in found.split(";")}
    assert not [one for one in used if COLOURS.fullmatch(one)]


def test_piped_output_is_plain_text(hostile: Path, program: Program) -> None:
    done = program("analyze", "hostile.log", "--no-charts", *EVERYTHING)

    assert done.returncode == 0
    assert all(line.isprintable() for line in done.stdout.split("\n"))
    assert max(map(cell_len, done.stdout.split("\n"))) <= 100


@pytest.mark.parametrize(
    "arguments",
    [
        ("analyze", "--list"),
        ("ingest", "--explain", "1", "plain.log"),
        ("ingest", "status"),
        ("doctor", "--db", "a-directory-of-a-long-name/a-database-that-is-nowhere.db"),
    ],
    ids=" ".join,
)
def test_plain_lines_are_broken_at_words(
    tmp_path: Path, program: Program, arguments: tuple[str, ...]
) -> None:
    write(tmp_path / "plain.log", request(0))
    assert program("ingest", "plain.log").returncode == 0
    piped = program(*arguments)
    with Terminal(*arguments, cwd=tmp_path, columns=80, has_progress=True) as terminal:
        lines = ACTION.sub("", terminal.to_its_end()).replace("\r", "").split("\n")

    too_long = [line for line in lines if cell_len(line) > 80]
    assert [line for line in too_long if " " in line.strip()] == []  # a path is one word
    words = " ".join(lines).split()
    assert words == (piped.stdout + piped.stderr).split()


def test_watch_follows_the_log_and_the_size_and_gives_the_screen_back(tmp_path: Path) -> None:
    log = tmp_path / "live.log"
    write(log, request(1))
    arguments = ("watch", "live.log", "--window", "1h", "--interval", "0.1")
    with Terminal(*arguments, cwd=tmp_path, columns=40, rows=12) as terminal:
        terminal.until("\x1b[?1049h")  # the alternate screen: what was there comes back
        seen = terminal.until("1 finding", after=terminal.until("requests/s"))
        terminal.resize(200, 50)
        seen = terminal.until("1 finding", after=seen)
        seen = terminal.until(
            "token 0 with, 1 without", after=terminal.until("requests/s", after=seen)
        )
        write(log, request(2), request(3, path=HOSTILE[0], route=HOSTILE[0]))
        seen = terminal.until("token 0 with, 3 without", after=seen)
        terminal.process.send_signal(signal.SIGINT)
        written = terminal.to_its_end()

    assert terminal.process.returncode == 0
    assert written.rstrip().endswith("\x1b[?1049l\x1b[?25h") or "\x1b[?1049l" in written[-40:]
    assert "\x1b[?25h" in written[written.rindex("\x1b[?1049h") :]
    assert "\x1b[10;10H" not in written


@pytest.mark.parametrize("how", [("--requests", "60"), ("--duration", "1", "--rate", "60")])
def test_traffic_shows_its_progress_on_a_line_of_80_columns(
    tmp_path: Path, start: Callable[[Callable[[bytes], bytes]], str], how: tuple[str, ...]
) -> None:
    path = "/organisations/{organisation_id}/departments/{department_id}/employees/{employee_id}"
    document = json.dumps({"openapi": "3.1.0", "paths": {path: {"get": {"responses": {}}}}})

    def answer(head: bytes) -> bytes:
        body = document.encode() if b"openapi.json" in head else b"{}"
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

    with Terminal(
        "generate", start(answer), *how, cwd=tmp_path, columns=80, has_progress=True
    ) as terminal:
        written = terminal.to_its_end()

    plain = ACTION.sub("", written)
    drawn = [line for line in re.split(r"[\r\n]+", plain) if "sending" in line]
    assert terminal.process.returncode == 0, written
    assert re.search(r"sending \d+(/60)?, [\d,]+/s 2xx \d+ p95 [\d.]+ ms", plain)
    assert drawn
    assert max(map(cell_len, re.split(r"[\r\n]+", plain))) <= 80
    assert path in plain.replace("\r\n", "")  # folded, never cut
    assert "\x1b[?25h" in written  # the cursor is back


def test_lines_for_programs_do_not_act_on_a_terminal_while_a_run_goes_on(
    tmp_path: Path, start: Callable[[Callable[[bytes], bytes]], str]
) -> None:
    name = "q\x9b31m\u202e"  # JSON writes these as they are
    operation = {"parameters": [{"name": name, "in": "query"}], "responses": {}}
    document = json.dumps({"openapi": "3.1.0", "paths": {"/a": {"get": operation}}})

    def answer(head: bytes) -> bytes:
        body = document.encode() if b"openapi.json" in head else b"{}"
        status = b"500 Failed" if b"null" in head.partition(b"\r\n")[0] else b"200 OK"
        return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)

    with Terminal(
        "generate", start(answer), "--format", "jsonl", cwd=tmp_path, columns=80
    ) as terminal:
        written = terminal.to_its_end()

    assert r"q\x9b31m\u202e" in written
    assert all(line.isprintable() for line in written.replace("\r\n", "\n").split("\n"))


def test_curl_lines_stay_whole_where_other_lines_are_broken(
    tmp_path: Path, start: Callable[[Callable[[bytes], bytes]], str]
) -> None:
    path = "/organisations/departments/employees/salaries"
    operation = {"parameters": [{"name": "a_long_name", "in": "query"}], "responses": {}}
    document = json.dumps({"openapi": "3.1.0", "paths": {path: {"get": operation}}})

    def answer(head: bytes) -> bytes:
        body = document.encode() if b"openapi.json" in head else b"{}"
        status = b"500 Failed" if b"null" in head.partition(b"\r\n")[0] else b"200 OK"
        return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)

    with Terminal("generate", start(answer), cwd=tmp_path, columns=80) as terminal:
        lines = terminal.to_its_end().replace("\r", "").split("\n")

    curls = [one for one in lines if one.startswith("  curl ")]
    assert curls
    assert all(path in one and "null" in one for one in curls)
    assert max(map(cell_len, curls)) > 80
    assert max(cell_len(one) for one in lines if one not in curls) <= 80
