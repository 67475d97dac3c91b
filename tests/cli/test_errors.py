"""Every way to fail: one clear line on stderr, nothing on stdout, and the right exit code."""

import os
import socket
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from filelock import FileLock

from perfectcv_traffic.record import TrafficLog

from .conftest import COMMAND, environment

Program = Callable[..., subprocess.CompletedProcess[str]]


def line(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of the error."""
    assert "Traceback" not in done.stderr, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("perfectcv-traffic: ")
    return last.removeprefix("perfectcv-traffic: ")


REFUSES_TO_START = """
from contextlib import asynccontextmanager
from fastapi import FastAPI

@asynccontextmanager
async def refuse(app):
    raise RuntimeError("no database")
    yield

app = FastAPI(lifespan=refuse)
"""


@pytest.fixture(name="busy_port")
def _busy_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("command", ["ingest", "analyze"])
def test_missing_log_says_how_to_get_one(program: Program, command: str) -> None:
    done = program(command, "nosuch.log")

    assert done.returncode == 3
    assert line(done).startswith("log nosuch.log does not exist: record some traffic first")


@pytest.mark.parametrize("option", ["--follow", "--strict"])
def test_address_is_no_log_to_ingest(program: Program, option: str) -> None:
    done = program("ingest", option, "http://127.0.0.1:1/api_traffic.log")

    assert done.returncode == 2
    assert line(done).startswith("ingest reads files, no addresses")


@pytest.mark.parametrize("command", ["analyze", "report"])
def test_missing_database_says_what_makes_one(program: Program, command: str) -> None:
    done = program(command)

    assert done.returncode == 3
    assert line(done).startswith("database traffic_monitor.db does not exist: run")


@pytest.mark.parametrize("command", ["analyze", "report", "generate", "run"])
def test_file_that_is_no_database_is_refused_before_anything_is_sent(
    program: Program, tmp_path: Path, command: str
) -> None:
    (tmp_path / "notes.db").write_text("no database, only words, and enough of them " * 50)

    done = program(command, "--db", "notes.db")

    assert done.returncode == 3
    assert "database notes.db is not an SQLite database" in line(done)
    assert not (tmp_path / "api_traffic.log").exists()


@pytest.mark.parametrize("command", ["generate", "run"])
def test_database_where_none_can_be_made_is_said_before_anything_is_sent(
    program: Program, tmp_path: Path, command: str
) -> None:
    done = program(command, "--db", "nosuch/traffic_monitor.db")

    assert done.returncode == 3
    assert "cannot be opened: does its directory exist" in line(done)
    assert not (tmp_path / "api_traffic.log").exists()


def test_database_of_another_application_is_refused(program: Program, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE notes (text)")
    (tmp_path / "empty.log").touch()

    done = program("ingest", "empty.log", "--db", "other.db")

    assert done.returncode == 3
    assert "database other.db is a database of another application" in line(done)


@pytest.mark.end_to_end
@pytest.mark.parametrize("command", ["run", "demo"])
def test_port_in_use_is_said(program: Program, busy_port: int, command: str) -> None:
    done = program(command, "--port", str(busy_port))

    assert done.returncode == 4
    assert line(done).startswith(f"port {busy_port} on 127.0.0.1 is in use: ")


@pytest.mark.end_to_end
@pytest.mark.parametrize(
    ("module", "message"),
    [
        (None, 'application shop:app: Could not import module "shop": name it module:'),
        ("raise ValueError('boom')", "application shop:app cannot be imported: ValueError: boom"),
        (REFUSES_TO_START, "the application did not start"),
    ],
    ids=["missing", "broken", "refuses to start"],
)
def test_application_that_does_not_start_is_said(
    program: Program, tmp_path: Path, module: str | None, message: str
) -> None:
    if module is not None:
        (tmp_path / "shop.py").write_text(module)

    done = program("run", "--app", "shop:app")

    assert done.returncode == 4
    assert line(done).startswith(message)


def test_target_that_does_not_answer_is_said(program: Program, busy_port: int) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    done = program("generate", f"http://127.0.0.1:{port}")

    assert done.returncode == 4
    assert line(done).startswith(f"http://127.0.0.1:{port} did not answer")


def test_second_ingester_says_that_another_one_works(program: Program, tmp_path: Path) -> None:
    (tmp_path / "api_traffic.log").touch()
    with FileLock(tmp_path / "traffic_monitor.db.lock"):
        done = program("ingest")

    assert done.returncode == 5
    assert "another ingester" in line(done)


def test_output_that_is_no_directory_is_said(program: Program, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()

    done = program("run", "--output", "taken/here")

    assert done.returncode == 3
    assert "taken/here" in line(done)


@pytest.mark.parametrize(
    "arguments",
    [("run", "--requests", "0"), ("run", "--nosuch"), ("nosuch",), ("ingest", "--db")],
    ids=" ".join,
)
def test_unusable_option_is_a_usage_error(program: Program, arguments: tuple[str, ...]) -> None:
    done = program(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert "Error: " in done.stderr


def test_app_and_base_url_exclude_each_other(program: Program) -> None:
    done = program("run", "--app", "a:b", "--base-url", "http://127.0.0.1:1")

    assert done.returncode == 2
    assert line(done).startswith("--app and --base-url exclude each other")


def test_secret_variable_that_is_not_set_is_named(program: Program) -> None:
    done = program("generate", "--token-env", "NO_SUCH_TOKEN")

    assert done.returncode == 2
    assert line(done).startswith("environment variable NO_SUCH_TOKEN is not set")


def test_log_that_cannot_be_read_says_how_to_look_into_it(program: Program, tmp_path: Path) -> None:
    (tmp_path / "some.log").write_text("garbage\n", "utf-8")

    for done in (program("ingest", "some.log"), program("analyze", "some.log", "--no-charts")):
        assert done.returncode == 0
        assert "perfectcv-traffic ingest --explain 3 LOG" in done.stderr


@pytest.mark.parametrize("command", ["analyze", "ingest", "check", "watch"])
def test_database_that_is_given_as_a_log_is_said(
    program: Program, tmp_path: Path, command: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "traffic_monitor.db")) as connection:
        connection.execute("CREATE TABLE a (b)")

    done = program(command, "traffic_monitor.db")

    assert done.returncode == 3
    assert (
        line(done) == "log traffic_monitor.db is a database: give it with --db traffic_monitor.db"
    )


@pytest.mark.parametrize(
    "arguments",
    [("watch", "--times", "0"), ("watch", "--window", "0s", "--times", "1")],
    ids=" ".join,
)
def test_watch_of_nothing_is_a_usage_error(program: Program, arguments: tuple[str, ...]) -> None:
    assert program(*arguments).returncode == 2


def test_secret_taken_for_a_filter_is_not_repeated(program: Program) -> None:
    done = program("analyze", PERFECTCV_TRAFFIC_TOKEN="s3cret-t0ken")

    assert done.returncode == 2
    assert "s3cret" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("analyze", "--since", "2026-11-22", "--until", "2026-11-21"),
            "--since 2026-11-22T00:00:00.000000Z is not before --until 2026-11-21T00:00:00.000000Z",
        ),
        (("check", "--since", "1h", "--until", "2h"), "is not before --until"),
        (("analyze", "--since", "9000-01-01", "--compare", "before"), "is yet to come"),
        (("watch", "http://127.0.0.1/a.log"), "only files of this machine can be watched"),
        (("check", "--cooldown", "5"), "'5' is no length of time"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_options_that_leave_nothing_to_look_at_are_refused(
    program: Program, arguments: tuple[str, ...], words: str
) -> None:
    done = program(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert words in line(done)


def test_earlier_database_that_is_not_there_is_told_by_its_option(program: Program) -> None:
    done = program("analyze", "--compare", "nosuch.db")

    assert done.returncode == 3
    assert line(done) == "--compare nosuch.db does not exist: name an earlier database or log"


@pytest.mark.parametrize("command", ["ingest", "analyze"])
def test_directory_that_is_given_as_a_log_is_said(program: Program, command: str) -> None:
    done = program(command, ".")

    assert done.returncode == 3
    assert line(done) == "log . is a directory: name the log file in it"


@pytest.mark.skipif(os.name == "nt", reason="a limit of what may be written, as Unix has it")
@pytest.mark.parametrize(
    ("arguments", "full"),
    [("merge source.db --db all.db", "all.db"), ("backup copy.db --db source.db", "copy.db")],
)
def test_file_without_room_is_the_one_that_is_named_and_no_half_copy_is_left(
    program: Program, tmp_path: Path, arguments: str, full: str
) -> None:
    records = (TrafficLog(request_id=f"{n}", path="/" + "x" * 500) for n in range(2500))
    lines = b"".join(msgspec.json.encode(one) + b"\n" for one in records)
    (tmp_path / "a.log").write_bytes(lines)
    assert program("ingest", "a.log", "--db", "source.db").returncode == 0

    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 1500 && exec "$@"', "sh", *COMMAND, *arguments.split()],
        cwd=tmp_path, env=environment(), capture_output=True, encoding="utf-8", check=False,
        timeout=120,
    )  # fmt: skip

    assert done.returncode == 3
    assert line(done).startswith(f"database {full} cannot be read or written (disk I/O error)")
    assert not list(tmp_path.glob("*.unfinished*"))
