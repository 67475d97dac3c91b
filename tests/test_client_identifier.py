"""Everything that speaks of a client means the same one."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from perfectcv_traffic import client_identifier
from perfectcv_traffic.analysis import recent
from perfectcv_traffic.columns.folding import Folding
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.summary.summary import Summary
from perfectcv_traffic.summary.tables import CLIENTS

CASES = [
    ("abcd...wxyz", "10.0.0.1", "abcd...wxyz"),
    ("abcd...wxyz", None, "abcd...wxyz"),
    ("***", "10.0.0.1", "10.0.0.1"),
    ("***", "", "unknown"),
    ("***", None, "unknown"),
    ("", "10.0.0.1", "10.0.0.1"),
    (None, "10.0.0.1", "10.0.0.1"),
    (None, None, "unknown"),
]


@pytest.mark.parametrize(("token", "address", "client"), CASES)
def test_client_is_the_token_if_it_tells_one_from_another_else_the_address(
    token: str | None, address: str | None, client: str
) -> None:
    record = TrafficLog(
        request_id="r",
        timestamp="2026-11-21T10:00:00.000000Z",
        api_token=token,
        client_ip=address,
    )
    summary, folding = Summary(), Folding()
    summary.add(record)
    folding.add([record])
    with closing(sqlite3.connect(":memory:")) as connection:
        rows = connection.execute(
            f"SELECT {client_identifier.SQL} FROM (SELECT ? AS api_token, ? AS client_ip)",
            (token, address),
        ).fetchall()

    assert client_identifier.of(record) == client
    assert rows == [(client,)]
    assert [key[0] for key in summary.cells(CLIENTS)] == [client]
    assert [key[0] for key in folding.cells(CLIENTS)] == [client]
    assert recent.frame([recent.values(record)])["client"].tolist() == [client]
