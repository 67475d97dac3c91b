"""A client's data goes wholly: no row names it, and no byte of the database's files does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.store import forget as forgetting
from perfectcv_traffic.store.doctor import examine
from perfectcv_traffic.store.forget import forget
from perfectcv_traffic.store.ingest import ingest

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


@pytest.mark.parametrize("client", ["", " "])
def test_forget_of_nobody_is_refused_and_withholds_no_rejected_line(
    filled: Path, query: Query, client: str
) -> None:
    with pytest.raises(UsageError, match="name an address or a masked token"):
        forget(filled, [client])
    assert query("SELECT count(*) FROM rejected_lines WHERE raw LIKE 'no record%'") == [(1,)]
