"""A log read directly and a database made from it give the same answers, filtered or not."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest

from perfectcv_traffic.analysis.catalogue import analyze
from perfectcv_traffic.analysis.latest import MOST
from perfectcv_traffic.errors import StorageError, UsageError
from perfectcv_traffic.record import NullDetail, TrafficLog
from perfectcv_traffic.sources.answers import BEFORE, of, read
from perfectcv_traffic.sources.filters import Filters
from perfectcv_traffic.sources.source import Source
from perfectcv_traffic.store.ingest import ingest
from perfectcv_traffic.store.retention import Retention, prune
from perfectcv_traffic.summary.overview import MAX_GROUPS

NULL = NullDetail(field_name="a", field_path="a[0].b", location="json_body", kind="json_null")


def _records() -> list[TrafficLog]:
    return [
        TrafficLog(
            request_id=f"r{n}",
            event_id=f"e{n}",
            timestamp=f"2026-11-21T{n % 24:02d}:{n % 60:02d}:00.000000Z",
            method=("GET", "POST")[n % 2],
            path=f"/users/{n % 5}",
            route=("/users/{id}", None)[n % 7 == 0],
            client_ip=f"10.0.0.{n % 3}",
            user_agent="curl",
            auth_required=(True, False, None)[n % 3],
            token_validity=("absent", "valid", "invalid", None)[n % 4],  # type: ignore[arg-type]
            api_token=("abcd...wxyz", None)[n % 2],
            status_code=(200, 404, 500, None)[n % 4],
            response_time_ms=float(n),
            null_params_count=int(n % 6 == 0),
            null_params_details=[NULL] * (n % 6 == 0),
            scenario=(None, "no_token")[n % 5 == 0],
        )
        for n in range(240)
    ]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "api_traffic.log"
    path.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in _records()))
    ingest([path], path.with_suffix(".db"))
    return path


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"since": "2026-11-21T05:30:00.000000Z", "until": "2026-11-21T07"},
        {"paths": ("/users/*",), "methods": ("GET",)},
        {"statuses": ("5xx", "none")},
        {"tokens": ("present",), "scenarios": ("none",)},
        {"clients": ("10.0.0.1", "abcd...wxyz")},
        {"paths": ("/nothing",)},
    ],
    ids=lambda chosen: " ".join(chosen) or "everything",
)
def test_log_and_database_give_the_same_answers(log: Path, chosen: dict[str, Any]) -> None:
    filters = Filters(**chosen)
    direct = analyze(read(Source(log.with_suffix(".db"), [log], filters)))
    stored = analyze(read(Source(log.with_suffix(".db"), (), filters)))

    for name, table in direct.items():
        pd.testing.assert_frame_equal(table, stored[name], obj=name)


def test_scanner_is_added_up_alike_in_log_and_database(tmp_path: Path) -> None:
    words = ("".join(letters) for letters in itertools.product("abcdefgh", repeat=5))
    records = [
        TrafficLog(request_id=f"r{n}", event_id=f"e{n}", path=f"/{word}", status_code=status)
        for n, (word, status) in enumerate(zip(words, itertools.cycle((404, 404, 200))))
        if n < MAX_GROUPS * 1.6
    ]
    log, db = tmp_path / "api_traffic.log", tmp_path / "traffic_monitor.db"
    log.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in records))
    ingest([log], db)

    direct, stored = (analyze(read(Source(db, logs))) for logs in ([log], []))

    assert direct["totals"]["requests"].tolist() == [len(records)]
    assert direct["unmatched_paths"]["endpoint"][0] == "(other)"
    for name, table in direct.items():
        pd.testing.assert_frame_equal(table, stored[name], obj=name)


def test_filtered_parts_add_up_to_the_whole(log: Path) -> None:
    def requests(**chosen: Any) -> int:
        results = of(Source(log.with_suffix(".db"), (), Filters(**chosen)))
        return int(results["totals"]["requests"].iloc[0])

    noon = "2026-11-21T12:00:00.000000Z"

    assert requests(until=noon) + requests(since=noon) == requests() == 240


def test_comparison_with_the_time_just_before(log: Path) -> None:
    filters = Filters(since="2026-11-21T12:00:00.000000Z", until="2026-11-21T18:00:00.000000Z")

    table = of(Source(log, [log], filters), compare=BEFORE)["comparison"]

    assert table["requests"].sum() == table["requests_before"].sum() == 60


def test_comparison_with_an_earlier_database(log: Path) -> None:
    table = of(Source(log, [log]), compare=str(log.with_suffix(".db")))["comparison"]

    assert (table["requests"] == table["requests_before"]).all()


def test_times_do_not_choose_from_what_is_compared_with(log: Path) -> None:
    filters = Filters(since="2026-11-21T12:00:00.000000Z")

    table = of(Source(log, [log], filters), compare=str(log))["comparison"]

    assert (table["requests"].sum(), table["requests_before"].sum()) == (120, 240)


def test_comparison_with_before_needs_a_beginning(log: Path) -> None:
    with pytest.raises(UsageError, match="needs --since"):
        of(Source(log, [log]), compare=BEFORE)


def test_documented_routes_come_from_a_document(log: Path, tmp_path: Path) -> None:
    document = tmp_path / "openapi.json"
    document.write_text('{"openapi": "3.1.0", "paths": {"/never": {"get": {}}}}')

    table: pd.DataFrame = of(Source(log, [log]), openapi=str(document))["uncalled_routes"]

    assert table["endpoint"].tolist()[0] == "GET /never"
    with pytest.raises(StorageError, match="cannot be read"):
        of(Source(log, [log]), openapi=str(tmp_path / "no.json"))


def test_text_that_is_no_time_does_not_hide_the_first_and_the_last(tmp_path: Path) -> None:
    times = ("2026-11-21T22:05:00.000000Z", "garbage", "", "2026-11-21T21:05:00.000000Z", None)
    records = [TrafficLog(request_id=str(n), timestamp=one) for n, one in enumerate(times)]
    log, db = tmp_path / "a.log", tmp_path / "a.db"
    log.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in records))
    ingest([log], db)

    for logs in ([log], []):
        row = analyze(read(Source(db, logs)))["health"].iloc[0]
        assert row["first_request"] == pd.Timestamp("2026-11-21T21:05:00Z")
        assert row["last_request"] == pd.Timestamp("2026-11-21T22:05:00Z")


def test_latest_requests_are_the_latest_by_their_time_in_whatever_order_they_were_stored(
    tmp_path: Path,
) -> None:
    def stored(name: str, day: int, count: int) -> Path:
        lines = (
            f'{{"request_id":"{name}{n}","event_id":"{name}{n}","status_code":500,"method":"GET",'
            f'"timestamp":"2026-11-{day}T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}.000000Z"}}\n'
            for n in range(count)
        )
        log = tmp_path / f"{name}.log"
        log.write_text("".join(lines), encoding="utf-8")
        ingest([log], tmp_path / "traffic.db")
        return log

    new, old = stored("new", 22, 15), stored("old", 21, MOST)  # as after a merge
    expected = [f"new{n}" for n in range(14, 4, -1)]
    database = Source(tmp_path / "traffic.db")
    chosen = replace(database, filters=Filters(methods=("GET",)))

    for source in (database, chosen, Source(tmp_path / "no.db", logs=[old, new])):
        recent = read(source).recent["request_id"].tolist()
        assert recent == [f"old{n}" for n in range(15, MOST)] + [f"new{n}" for n in range(15)]
        failing = of(source, names=["failing_requests"])["failing_requests"]
        assert failing["request_id"].tolist() == expected
    short = tmp_path / "short.log"
    short.write_bytes(b"".join(old.read_bytes().splitlines(keepends=True)[:9]))
    named_in_any_order = Source(tmp_path / "no.db", logs=[new, short])
    failing = of(named_in_any_order, names=["failing_requests"])["failing_requests"]
    assert failing["request_id"].tolist() == expected


def test_filters_on_a_pruned_database_are_said_to_choose_among_what_is_left(
    log: Path, tmp_path: Path
) -> None:
    db, told = tmp_path / "traffic.db", list[str]()
    ingest([log], db)
    prune(db, Retention(rows=200))
    for filters in (Filters(), Filters(since="2026-11-21T12:00:00"), Filters(methods=("GET",))):
        assert told == []
        totals = of(Source(db, filters=filters, note=told.append), names=["totals"])["totals"]
        assert (totals["requests"].iloc[0] == 240) == (not filters.conditions())
    (note,) = told
    assert "40 requests pruned" in note
    assert "the oldest of 2026-11-21T04:" in note
