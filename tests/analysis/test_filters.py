from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.record import TokenValidity, TrafficLog
from perfectcv_traffic.sources.filters import TOKENS, Filters, matches

Make = Callable[..., TrafficLog]

COLUMNS = (
    "timestamp", "method", "path", "route", "status_code", "token_validity", "scenario",
    "client_ip", "api_token",
)  # fmt: skip


def stamps() -> st.SearchStrategy[str]:
    return st.integers(0, 3).map(lambda hour: f"2026-11-21T{hour:02d}:00:00.000000Z")


def values(*known: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(known), max_size=2, unique=True).map(tuple)


def records() -> st.SearchStrategy[TrafficLog]:
    paths = st.sampled_from(["/a", "/a/1", "/b?x", "/a\nb", "/%", "/A"])
    return st.builds(
        TrafficLog,
        request_id=st.just("1"),
        timestamp=st.none() | stamps(),
        method=st.sampled_from(["GET", "get", "POST", "é", "É", None]),
        path=paths,
        route=st.none() | paths,
        status_code=st.sampled_from([None, 0, 99, 200, 404, 500, 599, 600]),
        token_validity=st.none() | st.sampled_from(TokenValidity),
        scenario=st.sampled_from([None, "", "no_token", "none"]),
        client_ip=st.sampled_from([None, "", "10.0.0.1", "abcd...wxyz"]),
        api_token=st.sampled_from([None, "", "***", "abcd...wxyz"]),
    )


def filters() -> st.SearchStrategy[Filters]:
    return st.builds(
        Filters,
        since=st.none() | stamps(),
        until=st.none() | stamps(),
        paths=values("/a", "/a*", "*", "/?", "/[ab]", "/%", "/a\nb"),
        methods=values("GET", "Get", "PUT", "É"),
        statuses=values("404", "5xx", "none", "200", "1xx", "0"),
        tokens=values(*TOKENS),
        scenarios=values("no_token", "none", "other"),
        clients=values("10.0.0.1", "abcd...wxyz", "unknown"),
    )


@given(filters(), st.lists(records(), max_size=8))
def test_database_and_log_choose_the_same_requests(
    chosen: Filters, offered: list[TrafficLog]
) -> None:
    where, parameters = chosen.where()
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.create_function("matches", 2, matches, deterministic=True)
        connection.execute(f"CREATE TABLE api_requests ({', '.join(COLUMNS)})")
        rows = [[getattr(record, name) for name in COLUMNS] for record in offered]
        marks = ", ".join("?" * len(COLUMNS))
        connection.executemany(f"INSERT INTO api_requests VALUES ({marks})", rows)
        found = connection.execute(
            f"SELECT rowid - 1 FROM api_requests WHERE {where} ORDER BY rowid", parameters
        ).fetchall()

    passes = chosen.test()
    assert [number for (number,) in found] == [
        number for number, record in enumerate(offered) if passes(record)
    ]


@pytest.mark.parametrize(
    ("given_", "passes"),
    [
        ({"since": "2026-11-21T22:05:00.123456Z"}, True),
        ({"until": "2026-11-21T22:05:00.123456Z"}, False),
        ({"paths": ("/users/*",)}, True),
        ({"paths": ("/users",)}, False),
        ({"paths": ("/users/{id}",)}, True),
        ({"statuses": ("2xx", "404")}, True),
        ({"tokens": ("present",)}, True),
        ({"tokens": ("absent",)}, False),
        ({"scenarios": ("none",)}, True),
        ({"clients": ("10.0.0.9",)}, False),
        ({"methods": ("get", "PUT")}, True),
    ],
    ids=str,
)
def test_filter_chooses(make_record: Make, given_: dict[str, Any], passes: bool) -> None:
    assert Filters(**given_).test()(make_record()) is passes


def test_filters_in_force_are_described_and_the_others_not() -> None:
    chosen = Filters(since="2026", statuses=("404", "5xx"))

    assert chosen.describe() == {"since": "2026", "status": "404 or 5xx"}
    assert Filters().describe() == {}


@pytest.mark.parametrize("changes", [{"statuses": ("6xx",)}, {"tokens": ("good",)}], ids=str)
def test_value_that_no_request_can_have_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Filters(**changes)


def test_client_that_tables_call_unknown_can_be_chosen(make_record: Make) -> None:
    passes = Filters(clients=("unknown",)).test()

    assert passes(make_record())
    assert passes(make_record(api_token="***"))
    assert not passes(make_record(client_ip="10.0.0.1"))
