"""Pages, totals and clients against the same worked out plainly from every record."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from perfectcv_traffic.admin import clients, metrics, queries, requests, statistics
from perfectcv_traffic.admin.database import Database
from perfectcv_traffic.admin.requests import Filter
from perfectcv_traffic.admin.scope import Prefix
from perfectcv_traffic.admin.windows import RateLimit
from perfectcv_traffic.capture.outcome import Counters
from perfectcv_traffic.record import NullDetail, TokenValidity, TrafficLog
from perfectcv_traffic.sources.answers import of
from perfectcv_traffic.sources.source import Source
from perfectcv_traffic.store.forget import forget
from perfectcv_traffic.store.ingest import ingest
from perfectcv_traffic.store.retention import Retention, prune

PREFIX = Prefix("/admin")
NULL = NullDetail(field_name="a", field_path="a", location="json_body", kind="json_null")
PATHS = [
    "/cache",
    "/items/1",
    "/items/2",
    "/Items/100%",
    "/admin-x",
    "/admin/url-stats",
    "/administer",
]
TOKENS = [None, None, "12ab...cd34", "eyJh...b_kw", "***"]
ADDRESSES = ["10.0.0.1", "10.0.0.2", None]
VALIDITIES = list(TokenValidity)
ROUNDS = 300


def made_up(choose: random.Random, number: int) -> TrafficLog:
    path = choose.choice(PATHS)
    hour, second = number // 40, choose.randrange(3600)  # not in the order of the log
    token = choose.choice(TOKENS)
    nulls = [NULL] * choose.choice([0, 0, 0, 2])
    return TrafficLog(
        request_id=f"r{number}",
        event_id=f"e{number}",
        timestamp=f"2026-01-01T{hour:02}:{second // 60:02}:{second % 60:02}.000000Z",
        method=choose.choice(["GET", "get", "POST", "DELETE"]),
        path=path,
        route=choose.choice([path, path if path == "/admin/url-stats" else None]),
        client_ip=choose.choice(ADDRESSES),
        api_token=token,
        token_validity=choose.choice(VALIDITIES[1:] if token else [TokenValidity.ABSENT, None]),
        status_code=choose.choice([200, 200, 404, 429, 500, None]),
        null_response_details=nulls,
        null_response_count=len(nulls),
        scenario="admin" if path == "/admin/url-stats" or choose.random() < 0.1 else None,
    )


@pytest.fixture(scope="module", params=[False, True], ids=["timed", "some without a time"])
def stored(request: Any, tmp_path_factory: Any) -> tuple[Database, list[TrafficLog]]:
    choose, folder = random.Random(1), tmp_path_factory.mktemp("plain")
    records = [made_up(choose, number) for number in range(600)]
    if request.param:
        for record in records[::50]:
            record.timestamp = None
    lines = [msgspec.json.encode(record) + b"\n" for record in records]
    (folder / "a.log").write_bytes(b"".join(lines))
    ingest([folder / "a.log"], Path(folder / "a.db"))
    return Database(folder / "a.db"), records


def ask(database: Database, function: Any, *values: Any, **named: Any) -> Any:
    return database.read_now(lambda connection: function(connection, *values, **named))


def is_ordinary(record: TrafficLog) -> bool:
    return not (record.scenario == "admin" and record.path == "/admin/url-stats")


def some_filter(choose: random.Random) -> Filter:
    offered: dict[str, list[Any]] = {
        "path": ["/items", "%", "ITEMS/1", "admin", "/cache", "nowhere"],
        "method": ["GET", "PATCH"],
        "client_ip": ["10.0.0.1", "10.9.9.9"],
        "status_code": [200, 500, 418],
        "since": ["2026-01-01T03:30:00"],
        "until": ["2026-01-01T11:00:00.000000Z"],
        "token": ["absent", "present", "valid", "12ab...cd34", "***", "no...body"],
        "has_nulls": [True, False],
        "failed": [True, False],
    }
    names = choose.sample(list(offered), choose.choice([0, 1, 1, 2, 3]))
    return Filter(**{name: choose.choice(offered[name]) for name in names})


def matches(record: TrafficLog, wanted: Filter) -> bool:
    status, time = record.status_code, record.timestamp
    has_failed = status is None or status >= 400
    has_nulls = record.null_response_count > 0
    return is_ordinary(record) and all(
        (
            wanted.path is None or wanted.path.lower() in record.path.lower(),
            wanted.method in (None, str(record.method).upper()),
            wanted.client_ip in (None, record.client_ip),
            wanted.status_code in (None, status),
            wanted.since is None or (time is not None and time >= wanted.since),
            wanted.until is None or (time is not None and time < wanted.until),
            has_token(record, wanted.token),
            wanted.has_nulls in (None, has_nulls),
            wanted.failed in (None, has_failed),
        )
    )


def has_token(record: TrafficLog, wanted: str | None) -> bool:
    validity = record.token_validity
    is_absent = validity == "absent"
    known = {None: True, "absent": is_absent, "present": not is_absent and validity is not None}
    if wanted in known:
        return known[wanted]
    return wanted in (record.token_validity, record.api_token)


def test_pages_and_totals_are_those_of_the_plain_filter(
    stored: tuple[Database, list[TrafficLog]],
) -> None:
    database, records = stored
    choose = random.Random(2)
    for _ in range(ROUNDS):
        wanted, limit, offset = (
            some_filter(choose),
            choose.choice([1, 7, 1000]),
            choose.choice([0, 0, 3, 250]),
        )
        expected = [record for record in records if matches(record, wanted)]
        expected.sort(key=lambda record: record.timestamp or "", reverse=True)
        page = ask(database, requests.find, wanted, PREFIX, limit, offset)

        times = [record.timestamp for record in expected[offset : offset + limit]]
        assert (page.total, page.is_exact) == (len(expected), True), wanted
        assert [row["timestamp"] for row in page.rows] == times, wanted
        # Of the same time, which ones are on the page is open, not that they match.
        assert {row["request_id"] for row in page.rows} <= {one.request_id for one in expected}


@pytest.mark.parametrize("hour", ["00", "07", "14", "15"])
def test_statistics_of_whole_hours_are_those_of_the_plain_filter(
    stored: tuple[Database, list[TrafficLog]], hour: str
) -> None:
    database, records = stored
    at = f"2026-01-01T{hour}:00:00.000000Z"
    for since, until in ((None, at), (at, None)):
        expected = sum(matches(record, Filter(since=since, until=until)) for record in records)
        found = ask(database, statistics.request_stats, PREFIX, since, until)
        assert found["total_requests"] == expected, (since, until)


def test_pages_together_are_everything_once(
    stored: tuple[Database, list[TrafficLog]],
) -> None:
    database, records = stored
    for wanted in (Filter(), Filter(path="/items"), Filter(client_ip="10.0.0.1")):
        expected = [record.request_id for record in records if matches(record, wanted)]
        found: list[str] = []
        for offset in range(0, len(expected) + 7, 7):
            page = ask(database, requests.find, wanted, PREFIX, 7, offset)
            found += [row["request_id"] for row in page.rows]
        assert sorted(found) == sorted(expected)


@pytest.mark.parametrize(
    "take_away",
    [lambda db: prune(db, Retention(rows=20)), lambda db: forget(db, ["10.0.0.2"])],
    ids=["the oldest", "a client"],
)
def test_totals_where_rows_between_others_were_pruned_are_those_of_what_is_left(
    tmp_path: Path, take_away: Any
) -> None:
    log, db = tmp_path / "a.log", tmp_path / "a.db"
    records = [made_up(random.Random(number), number) for number in range(40)]
    for number, record in enumerate(records):  # the oldest between the others, as after a merge
        record.timestamp = f"2026-01-01T{(number + 25) % 40:02}:00:00.000000Z"
        record.client_ip, record.api_token = f"10.0.0.{1 + (number in range(5, 30))}", None
        record.path, record.route, record.scenario, record.method = "/cache", None, None, "GET"
    log.write_bytes(b"".join(msgspec.json.encode(record) + b"\n" for record in records))
    ingest([log], db)
    take_away(db)
    database = Database(db)

    ids = {
        row[0]
        for row in ask(database, lambda c: c.execute("SELECT id FROM api_requests").fetchall())
    }
    nulls = ask(database, lambda c: c.execute("SELECT id FROM null_value_logs").fetchall())
    for wanted in (Filter(), Filter(method="GET"), Filter(path="cache")):
        pages = [ask(database, requests.find, wanted, PREFIX, 3, n) for n in range(0, 40, 3)]
        assert {(page.total, page.is_exact) for page in pages} == {(len(ids), True)}
        assert sorted(row["id"] for page in pages for row in page.rows) == sorted(ids)
    assert ask(database, queries.null_logs, PREFIX, 1, 0).total == len(nulls)


def test_null_totals_are_those_of_the_plain_count(
    stored: tuple[Database, list[TrafficLog]],
) -> None:
    database, records = stored
    for path in (None, "/items", "nowhere"):
        expected = sum(
            record.null_response_count
            for record in records
            if record.path not in ("/admin", "/admin/url-stats")
            and (path or "") in record.path.lower()
        )
        found = ask(database, queries.null_logs, PREFIX, 1000, 0, path=path)
        assert (found.total, len(found.rows)) == (expected, expected), path


@pytest.mark.parametrize("prefix", ["/admin", None])
@pytest.mark.parametrize("rate_limit", [RateLimit(), RateLimit(3), RateLimit(9, hours=5)])
def test_clients_are_those_of_the_plain_count(
    stored: tuple[Database, list[TrafficLog]], prefix: str | None, rate_limit: RateLimit
) -> None:
    database, _ = stored
    expected = database.read_now(lambda c: plain_clients(c, prefix, rate_limit))
    for limit, offset in ((1000, 0), (2, 0), (2, 1), (1, 3)):
        found = ask(database, clients.busiest, Prefix(prefix), limit, offset, rate_limit)
        assert [tuple(one) for one in found] == expected[offset : offset + limit]


def plain_clients(
    connection: sqlite3.Connection, prefix: str | None, rate_limit: RateLimit
) -> list[tuple[Any, ...]]:
    """From the windows themselves, one by one."""
    windows: dict[str, list[sqlite3.Row]] = defaultdict(list)
    for row in connection.execute("SELECT * FROM rate_limit_tracking"):
        endpoint = row["endpoint"]
        if prefix is None or not (endpoint == prefix or endpoint.startswith(f"{prefix}/")):
            windows[row["client_identifier"]].append(row)
    found = [client(name, own, rate_limit) for name, own in windows.items()]
    return sorted(found, key=lambda one: (-one[1], one[0]))


def client(name: str, windows: list[sqlite3.Row], rate_limit: RateLimit) -> tuple[Any, ...]:
    last = max(row["last_request"] for row in windows)
    final = max(window(row, rate_limit) for row in windows)
    in_final = [row for row in windows if window(row, rate_limit) == final]
    counts: Counter[str] = Counter()
    for row in in_final:
        counts[row["endpoint"]] += row["request_count"]
    too_many = 0 < rate_limit.most < max(counts.values())
    total = sum(row["request_count"] for row in windows)
    blocked = too_many or any(row["is_blocked"] for row in in_final)
    return (name, total, len({row["endpoint"] for row in windows}), last, blocked)


def window(row: sqlite3.Row, rate_limit: RateLimit) -> tuple[str, int]:
    start = row["window_start"]
    return start[:10], int(start[11:13] or 0) // rate_limit.hours


@pytest.mark.parametrize("rate_limit", [RateLimit(), RateLimit(3), RateLimit(9, hours=5)])
def test_endpoints_of_a_client_speak_of_their_last_window(
    stored: tuple[Database, list[TrafficLog]], rate_limit: RateLimit
) -> None:
    database, _ = stored

    def both(connection: sqlite3.Connection) -> Iterator[tuple[Any, Any]]:
        for (name,) in connection.execute("SELECT DISTINCT client_identifier FROM summary_clients"):
            rows = connection.execute(
                "SELECT * FROM rate_limit_tracking WHERE client_identifier = ?", (name,)
            ).fetchall()
            by_endpoint: dict[str, list[sqlite3.Row]] = defaultdict(list)
            for row in rows:
                by_endpoint[row["endpoint"]].append(row)
            expected = {
                endpoint: (one[1], len({window(row, rate_limit) for row in own}), one[3], one[4])
                for endpoint, own in by_endpoint.items()
                if (one := client(name, own, rate_limit))
            }
            found = clients.endpoints(
                connection, Prefix(None), 1000, 0, client=name, rate_limit=rate_limit
            )
            yield {each.endpoint: tuple(each[1:]) for each in found}, expected

    for found, expected in database.read_now(lambda c: list(both(c))):
        assert found == expected


def test_metrics_tell_the_sum_of_durations_to_the_microsecond(tmp_path: Path) -> None:
    log, took = tmp_path / "a.log", 3_000_000.001
    records = (
        TrafficLog(request_id=f"r{n}", event_id=f"e{n}", route="/slow", response_time_ms=took)
        for n in range(30)
    )
    log.write_bytes(b"".join(msgspec.json.encode(record) + b"\n" for record in records))
    ingest([log], tmp_path / "a.db")

    text = ask(Database(tmp_path / "a.db"), metrics.text, PREFIX, Counters(), 0)

    assert "http_request_duration_highr_seconds_sum 90000.00003" in text.splitlines()


@pytest.mark.parametrize("durations", [[100.0], [0.0004, 100.0], [0.0, 1.0, 1.0], [5e-05, 7.5]])
def test_quantiles_of_few_durations_are_those_that_analyze_tells(
    tmp_path: Path, durations: list[float]
) -> None:
    records = [
        TrafficLog(request_id=f"r{n}", event_id=f"e{n}", route="/", response_time_ms=took)
        for n, took in enumerate(durations)
    ]
    (tmp_path / "a.log").write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in records))
    ingest([tmp_path / "a.log"], tmp_path / "a.db")
    database = Database(tmp_path / "a.db")

    stats = ask(database, statistics.request_stats, PREFIX, None, None)
    told = of(Source(tmp_path / "a.db"), names=["durations"])["durations"].iloc[0]
    for quantile in ("p50", "p95", "p99"):
        assert stats[f"{quantile}_response_time_ms"] == round(told[f"{quantile}_ms"], 3)


def test_logins_are_newest_first_in_whatever_order_they_were_stored(tmp_path: Path) -> None:
    hours = [20, 22, None, 21, 9, 22, 10, 8]  # as after a merge
    lines = [
        msgspec.json.encode(
            TrafficLog(
                request_id=f"r{number}",
                event_id=f"e{number}",
                timestamp=None if hour is None else f"2026-01-01T{hour:02}:00:00.000000Z",
                login_uuid="ab"[number % 2],
            )
        )
        for number, hour in enumerate(hours)
    ]
    (tmp_path / "a.log").write_bytes(b"\n".join([*lines, b""]))
    ingest([tmp_path / "a.log"], tmp_path / "a.db")
    database = Database(tmp_path / "a.db")

    def pages(**wanted: Any) -> list[str | None]:
        rows = [ask(database, queries.logins, 2, n, **wanted).rows for n in range(0, 8, 2)]
        return [row["timestamp"] and row["timestamp"][11:13] for page in rows for row in page]

    assert pages() == ["22", "22", "21", "20", "10", "09", "08", None]
    assert pages(uuid="b") == ["22", "22", "21", "08"]
