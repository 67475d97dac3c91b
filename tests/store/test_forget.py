"""A client's data goes wholly: no row names it, and no byte of the database's files does."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.store import database
from perfectcv_traffic.store import forget as forgetting
from perfectcv_traffic.store.doctor import examine
from perfectcv_traffic.store.forget import forget
from perfectcv_traffic.store.ingest import ingest
from perfectcv_traffic.store.mentions import mention_of

Query = Callable[..., list[tuple[Any, ...]]]
Line = Callable[..., bytes]

ADDRESS = "203.0.113.77"
TOKEN = "eyJh...dQ0g"


@pytest.fixture
def filled(log: Path, db: Path, line: Line) -> Path:
    lines = [line(number) for number in range(20)]
    lines += [line(number, client_ip=ADDRESS) for number in range(20, 30)]
    lines += [line(number, api_token=TOKEN) for number in range(30, 40)]
    log.write_bytes(b"".join(lines) + b"no record, but from " + ADDRESS.encode() + b"\n")
    ingest([log], db)
    return db


def test_forget_leaves_no_bytes_where_pages_were_split(log: Path, db: Path, line: Line) -> None:
    clients = ["10.0.0.3", "10.0.0.4"]
    log.write_bytes(b"".join(line(n, client_ip=clients[n * n % 7 % 2]) for n in range(3000)))
    ingest([log], db)

    forget(db, clients[:1])

    assert clients[0].encode() not in db.read_bytes()


def test_forget_leaves_no_trace_of_a_client_in_the_files(
    filled: Path, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "CHUNK", 7)
    assert ADDRESS.encode() in filled.read_bytes()

    assert forget(filled, [ADDRESS, TOKEN]) == {ADDRESS: 10, TOKEN: 10}

    kept = b"".join(file.read_bytes() for file in filled.parent.glob(f"{filled.name}*"))
    assert ADDRESS.encode() not in kept
    assert TOKEN.encode() not in kept
    assert query("SELECT count(*) FROM api_requests") == [(20,)]


def test_forget_keeps_the_counts_that_name_nobody(log: Path, filled: Path, query: Query) -> None:
    forget(filled, [ADDRESS])

    assert query("SELECT sum(requests) FROM summary_endpoints") == [(40,)]
    assert all(check.is_ok for check in examine(filled, deep=True))
    assert ingest([log], filled).lines == 0


def test_forget_of_everybody_whose_token_is_masked_whole_is_refused(filled: Path) -> None:
    with pytest.raises(UsageError, match="name the address"):
        forget(filled, ["10.0.0.3", "***"])


def test_forget_of_an_unknown_client_deletes_nothing(filled: Path, query: Query) -> None:
    assert forget(filled, ["198.51.100.1"]) == {"198.51.100.1": 0}
    assert query("SELECT count(*) FROM api_requests") == [(40,)]


@pytest.mark.parametrize(
    ("client", "text"),
    [
        ("a", "GET /a/b"),
        ("10.0.0.1", "from 10.0.0.1:8080, again"),
        ("10.0.0.1", "ip10.0.0.1."),
        ("10.0.0.1", r'{"a": "x\n10.0.0.1"}'),
        ("10.0.0.1", r'"{\"a\": \"x\\n10.0.0.1\"}"'),
        ("10.0.0.1", r"\x2210.0.0.1\x22"),
        ("10.0.0.1", "/find?q=%2010.0.0.1"),
        ("10.0.0.1", "::ffff:10.0.0.1"),
        ("10.0.0.1", "[::FFFF:0A00:0001]:443"),
        ("2001:db8::1", "[2001:db8::1]:443"),
        ("2001:db8::1", "2001:DB8:0:0:0:0:0:1."),
        ("2001:db8::1", "q=2001%3Adb8%3A%3A1"),
        ("::1", "from ::1"),
        ("eyJh...dQ0g", 'Bearer "eyJh...dQ0g"'),
    ],
)
def test_line_that_names_a_client_is_known_however_it_is_written(client: str, text: str) -> None:
    assert mention_of(client)(text)


@pytest.mark.parametrize(
    ("client", "text"),
    [
        ("a", "no record at all, 10.0.0.1"),
        ("10.0.0.1", "from 10.0.0.12 and 110.0.0.1"),
        ("::1", "from 2001:db8::1 and ::12"),
        ("2001:db8::1", "from 2001:db8::12, 12:34:56"),
        ("eyJh...dQ0g", "eyJh...dQ0gX"),
    ],
)
def test_line_of_another_client_is_left(client: str, text: str) -> None:
    assert not mention_of(client)(text)


def test_forget_says_what_a_reader_keeps_it_from_overwriting(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.1)
    told: list[str] = []
    with closing(sqlite3.connect(filled, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM api_requests").fetchone()
        forget(filled, [ADDRESS], notice=told.append)

    assert [f"database {filled} is being read by another program" in one for one in told] == [True]


@pytest.mark.parametrize("client", ["", " "])
def test_forget_of_nobody_is_refused_and_withholds_no_rejected_line(
    filled: Path, query: Query, client: str
) -> None:
    with pytest.raises(UsageError, match="name an address or a masked token"):
        forget(filled, [client])
    assert query("SELECT count(*) FROM rejected_lines WHERE raw LIKE 'no record%'") == [(1,)]
