"""Every number of every analysis equals what DuckDB computes from the same log.

Three logs: one made so that everything there can be is in it, one recorded from the demo API under
generated traffic, and 10,000 lines of a real web server's log.
"""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pandas as pd
import pytest
from msgspec.structs import replace

from perfectcv_traffic import paths
from perfectcv_traffic.analysis.catalogue import ANALYSES, analyze
from perfectcv_traffic.record import NullDetail, TokenReason, TokenValidity, TrafficLog
from perfectcv_traffic.sources.answers import read
from perfectcv_traffic.sources.filters import Filters
from perfectcv_traffic.sources.source import Source
from perfectcv_traffic.store.ingest import ingest
from perfectcv_traffic.summary.sketch import RELATIVE_ERROR

duckdb = pytest.importorskip("duckdb")

HERE = Path(__file__).parent
REAL_LOG = HERE.parents[2] / "shared" / "data" / "apache_combined.log"

SKETCHED = {"p50_ms", "p90_ms", "p95_ms", "p99_ms", "p95_before_ms"}
"""At most 1 % from the exact quantile."""
EXACT, ROUNDED = 1e-12, 1e-6

CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx", "other", "no response")
PRESENCES = ("with token", "without token", "not recorded")
QUANTILES = ", ".join(f"quantile_disc(d, {q})" for q in (0.5, 0.9, 0.95, 0.99))
DOCUMENTED = (("GET", "/users/{id}"), ("GET", "/health"), ("POST", "/never"))
COLUMNS = {
    "request_id": "VARCHAR", "timestamp": "VARCHAR", "method": "VARCHAR", "path": "VARCHAR",
    "route": "VARCHAR", "request_bytes": "BIGINT", "response_bytes": "BIGINT",
    "client_ip": "VARCHAR", "user_agent": "VARCHAR", "auth_required": "BOOLEAN",
    "token_validity": "VARCHAR", "token_reason": "VARCHAR", "api_token": "VARCHAR",
    "status_code": "BIGINT", "response_time_ms": "DOUBLE", "complete": "BOOLEAN",
    "error_message": "VARCHAR", "null_params_count": "BIGINT",
    "null_params_details": "STRUCT(field_path VARCHAR, location VARCHAR, kind VARCHAR)[]",
    "null_response_count": "BIGINT",
    "null_response_details": "STRUCT(field_path VARCHAR, location VARCHAR, kind VARCHAR)[]",
    "scenario": "VARCHAR", "login_uuid": "VARCHAR", "weight": "DOUBLE", "lost_before": "BIGINT",
}  # fmt: skip
LISTS = {
    "untold": "if(bool_and(validity = 'not recorded'), 0, NULL)",
    "columns": repr(COLUMNS),
    "documented": ", ".join(map(repr, DOCUMENTED)),
    "total": "(SELECT count(*) FROM t)",
    "classes": ", ".join(f"count(*) FILTER (class = '{one}')" for one in CLASSES),
    "distinct_classes": ", ".join(
        f"count(DISTINCT id) FILTER (class = '{one}')" for one in CLASSES
    ),
    "presences": ", ".join(f"count(*) FILTER (presence = '{one}')" for one in PRESENCES),
    "rate_4xx": "count(*) FILTER (class = '4xx') / count(*)",
    "rate_5xx": "count(*) FILTER (class = '5xx') / count(*)",
    "statistics": f"count(d), sum(d), avg(d), min(d), {QUANTILES}, max(d), stddev_pop(d)",
}


def _queries() -> dict[str, str]:
    text = (HERE / "independent.sql").read_text("utf-8")
    for name, words in LISTS.items():
        text = text.replace(f"{{{name}}}", words)
    parts = text.split("-- name: ")[1:]
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}


QUERIES = _queries()
VIEWS = {name: QUERIES.pop(name) for name in ("native log", "combined log")}
RANKED = QUERIES.pop("top_by_p95")
FINDING = ["rule", "method", "path", "pointer", "requests"]
UNORDERED = {"comparison": ["endpoint"], "findings": FINDING}
"""Compared in another order than theirs, which tests of their own look at."""
OF_DATABASES = {"expectations", "reconciliation"}
NOT_QUERIED = {
    "duration_bands": "their edges blur by 1 %, compared below",
    "duration_distribution": "bands follow the sketch, compared below",
    "expectations": "needs a database, compared below",
    "top_by_p95": "ranked by what is 1 % off, compared below",
    "reconciliation": "needs a database, counted in tests/cli/test_generate.py",
}


def _records(number: int) -> Iterator[TrafficLog]:
    chance = random.Random(20)
    routes = ["/health", "/users/{id}", "/resumes", "/käse/{id}", None]
    for n in range(number):
        route = chance.choice(routes)
        nulls = [_null(chance) for _ in range(chance.choice([0, 0, 0, 1, 3]))]
        found = [_null(chance) for _ in range(chance.choice([0, 0, 2]))]
        minute = chance.choice([0, 0, 0, chance.randrange(60)])
        yield TrafficLog(
            request_id=f"r{n}",
            timestamp=None if n % 97 == 0 else
            f"2026-11-{20 + n % 2}T{n % 5:02d}:{minute:02d}:{n % 60:02d}.{n % 999983:06d}Z",
            method=chance.choice(["GET", "POST", "DELETE"]),
            path=f"/users/{n % 40}" if route else f"/nope/{n % 9}/{chance.choice('abc')}",
            route=route,
            request_bytes=chance.choice([0, n, 10**12]),
            response_bytes=chance.choice([0, n, 10**12]),
            client_ip=chance.choice(["10.0.0.1", "10.0.0.2", "::1", None]),
            user_agent=chance.choice(["curl/8", "Mozilla/5.0 (x)", "=cmd()", None]),
            auth_required=chance.choice([True, False, None]),
            token_validity=chance.choice([*TokenValidity, None]),
            token_reason=chance.choice([*TokenReason, None]),
            api_token=chance.choice([None, "abcd...wxyz", "1234...6789", "***"]),
            status_code=chance.choice([200, 200, 201, 302, 401, 404, 429, 500, 503, 99, 600, None]),
            response_time_ms=None if n % 13 == 0 else chance.choice(
                [round(chance.lognormvariate(3, 2), 3), 0.0, float(chance.randrange(2000) + 2)]
            ),
            complete=chance.choice([True, False, None]),
            error_message=chance.choice([None, "boom"]),
            null_params_count=len(nulls),
            null_params_details=nulls,
            null_response_count=len(found),
            null_response_details=found,
            scenario=chance.choice([None, None, "valid", "no_token"]),
            login_uuid=chance.choice([None, None, "u1", "u2"]),
            weight=chance.choice([1.0, 1.0, 10.0, 2.5]),
            lost_before=chance.choice([0, 0, 0, 3]),
        )  # fmt: skip


def _null(chance: random.Random) -> NullDetail:
    path = chance.choice(["a", "items[0].name", "items[1].name", "b.c[12][3]"])
    return NullDetail(
        field_name="x",
        field_path=path,
        location=chance.choice(["query", "json_body"]),
        kind=chance.choice(["json_null", "empty"]),
    )


def _episodes() -> Iterator[TrafficLog]:
    """What findings are made of: guessing, a shared token, a burst, an endpoint that got slow."""
    at = "2026-11-21T12:{:02d}:{:02d}.000000Z"
    for n in range(40):
        yield TrafficLog(
            request_id=f"e{n}", timestamp=at.format(n % 3, n), method="GET", path="/me",
            route="/me", client_ip="10.9.9.9", status_code=401, token_validity=TokenValidity.ABSENT,
            auth_required=True, response_time_ms=2.0,
        )  # fmt: skip
        yield TrafficLog(
            request_id=f"s{n}", timestamp=at.format(10, n), method="GET", path="/me", route="/me",
            client_ip=f"10.8.8.{n % 7}", status_code=200, token_validity=TokenValidity.VALID,
            api_token="wxyz...abcd", auth_required=True, response_time_ms=90.0,
        )  # fmt: skip
        yield TrafficLog(
            request_id=f"b{n}", timestamp=at.format(20, n), method="PUT", path="/me", route="/me",
            status_code=503 if n % 2 else 200, response_time_ms=1.0,
        )  # fmt: skip


def _calm() -> Iterator[TrafficLog]:
    """The same a day earlier, when nothing was wrong yet."""
    calm = {"status_code": 200, "response_time_ms": 2.0, "client_ip": "10.7.7.7", "api_token": None}
    for one in _episodes():
        day_before = (one.timestamp or "").replace("-21T", "-20T")
        yield replace(one, request_id=f"c{one.request_id}", timestamp=day_before, **calm)


def _made(directory: Path) -> Path:
    """Requests of every kind, 130 of one client within a minute, and episodes after calm."""
    burst = {"timestamp": "2026-11-20T12:00:30.000000Z", "client_ip": "10.0.0.9", "api_token": None}
    busy = (replace(one, request_id=f"x{one.request_id}", **burst) for one in _records(130))
    records = [*_calm(), *_records(3000), *busy, *_episodes()]
    path = directory / "api_traffic.log"
    lines = (
        msgspec.json.encode(replace(record, event_id=f"{n:x}")) + b"\n"
        for n, record in enumerate(records)
    )
    path.write_bytes(b"".join(lines))
    return path


def _recorded(directory: Path) -> Path:
    """What the recorder wrote of the demo API under generated traffic."""
    command = [sys.executable, "-m", "perfectcv_traffic", "run", "--requests", "250"]
    subprocess.run(command, cwd=directory, check=True, capture_output=True, timeout=300)
    return directory / "api_traffic.log"


MAKERS: dict[str, Callable[[Path], Path]] = {
    "made": _made,
    "recorded": _recorded,
    "real": lambda _: REAL_LOG,
}


class Case(NamedTuple):
    """A log, what the analyses make of it, and the same as DuckDB reads it."""

    log: Path
    results: dict[str, pd.DataFrame]
    database: Any


def _case(name: str, directory: Path) -> Case:
    log = MAKERS[name](directory)
    lines = log.read_bytes().splitlines(keepends=True)
    before = directory / "before.log"
    before.write_bytes(b"".join(lines[: len(lines) // 2]))
    view = VIEWS["combined log" if name == "real" else "native log"]
    connection = duckdb.connect()
    connection.create_function("template", paths.template, ["VARCHAR"], "VARCHAR")
    for table, source in {"t": log, "before": before}.items():
        connection.execute(view.replace("{table}", table), [str(source)])
    frames = read(
        Source(log, [log]),
        documented=frozenset(DOCUMENTED),
        previous=read(Source(log, [before]), hourly=False),
    )
    return Case(log, analyze(frames), connection)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Case]]:
    """The case of a name, made once."""
    known: dict[str, Case] = {}

    def get(name: str) -> Case:
        if name == "real" and not REAL_LOG.is_file():
            pytest.skip("the real log is not beside the repository")
        if name not in known:
            known[name] = _case(name, tmp_path_factory.mktemp(name))
        return known[name]

    yield get
    for one in known.values():
        one.database.close()


def test_every_analysis_is_compared_or_has_a_reason() -> None:
    assert {*QUERIES, *NOT_QUERIED} == {analysis.name for analysis in ANALYSES}


@pytest.mark.parametrize("log", MAKERS)
@pytest.mark.parametrize("name", QUERIES)
def test_numbers_equal_those_of_another_engine(
    case: Callable[[str], Case], log: str, name: str
) -> None:
    _, results, database = case(log)
    table = results[name][FINDING] if name == "findings" else results[name]
    if name in UNORDERED:
        table = table.sort_values(UNORDERED[name], na_position="last")

    _assert_equal(table, database.execute(QUERIES[name]).fetchall())


def test_made_log_has_something_of_everything(case: Callable[[str], Case]) -> None:
    results = case("made").results

    assert {name for name, table in results.items() if table.empty} == OF_DATABASES
    assert {*results["findings"]["rule"]} == {"PT101", "PT201", "PT301", "PT302", "PT303", "PT304"}


def test_distribution_of_durations_counts_what_lies_in_each_band(
    case: Callable[[str], Case],
) -> None:
    _, results, database = case("made")
    for band in results["duration_distribution"].to_dict("records"):
        limits = [band["from_ms"], band["to_ms"]]
        low = "d >= 0" if band["from_ms"] < 0.001 else f"d > {limits[0]!r}"
        (count,) = database.execute(
            f"SELECT count(*) FROM t WHERE {low} AND d <= {limits[1]!r}"
        ).fetchone()
        assert band["timed"] == count


@pytest.mark.parametrize("log", ["made", "recorded"])
def test_slowest_endpoints_are_those_whose_p95_is_highest(
    case: Callable[[str], Case], log: str
) -> None:
    _, results, database = case(log)
    table = results["top_by_p95"]
    every = {row[0]: row for row in database.execute(RANKED).fetchall()}

    assert table["p95_ms"].is_monotonic_decreasing
    assert len(table) == min(10, len(every))
    _assert_equal(table, [every.pop(endpoint) for endpoint in table["endpoint"]])
    assert all(row[-1] <= table["p95_ms"].iloc[-1] * 1.0203 for row in every.values())


def test_bands_of_durations_count_what_lies_in_each_but_for_their_edges(
    case: Callable[[str], Case],
) -> None:
    _, results, database = case("made")
    bands = results["duration_bands"]
    below = bands["timed"].cumsum().tolist()
    for edge, counted in zip((100, 500, 1000), below, strict=False):
        least, most = database.execute(
            "SELECT count(*) FILTER (d < ? * 0.98), count(*) FILTER (d < ? * 1.02) FROM t",
            [edge, edge],
        ).fetchone()
        assert least <= counted <= most
    (timed,) = database.execute("SELECT count(d) FROM t").fetchone()
    assert below[-1] == timed
    assert bands["share_of_timed"].tolist() == [count / timed for count in bands["timed"]]


def test_expectations_equal_those_of_another_engine(case: Callable[[str], Case]) -> None:
    db = case("recorded").log.with_name("traffic_monitor.db")
    table = analyze(read(Source(db)), ["expectations"])["expectations"]

    with closing(sqlite3.connect(db)) as connection:
        expected = connection.execute(
            "SELECT scenario, g.expected, count(*), coalesce(sum(as_expected), 0),"
            " sum(as_expected IS 0), sum(g.error IS NOT NULL), sum(r.id IS NULL),"
            " 1.0 * sum(as_expected IS 0) / count(*) FROM generated_requests g LEFT JOIN"
            " (SELECT run_id, request_id, min(id) AS id FROM api_requests GROUP BY 1, 2) r"
            " USING (run_id, request_id)"
            " GROUP BY scenario, g.expected ORDER BY scenario, g.expected NULLS LAST"
        ).fetchall()
    _assert_equal(table, expected)


@pytest.mark.parametrize(
    "chosen",
    [Filters(), Filters(methods=("GET",), statuses=("4xx", "5xx"))],
    ids=["everything", "filtered"],
)
@pytest.mark.parametrize("log", MAKERS)
def test_numbers_are_the_same_with_and_without_a_database(
    case: Callable[[str], Case], tmp_path: Path, log: str, chosen: Filters
) -> None:
    path, db = case(log).log, tmp_path / "traffic_monitor.db"
    ingest([path], db)

    direct, stored = (analyze(read(Source(db, logs, chosen))) for logs in ([path], []))

    for name, table in direct.items():
        pd.testing.assert_frame_equal(table, stored[name], obj=name)


def _assert_equal(table: pd.DataFrame, expected: list[tuple[Any, ...]]) -> None:
    assert len(table) == len(expected)
    for row, theirs in zip(table.itertuples(index=False), expected, strict=True):
        assert len(row) == len(theirs)
        for column, ours, other in zip(table.columns, row, theirs, strict=True):
            assert _plain(ours) == _expected(str(column), other), (column, row, theirs)


def _plain(value: Any) -> Any:
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.tz_convert(None).to_pydatetime()
    return value


def _expected(column: str, value: Any) -> Any:
    if isinstance(value, str) and value.endswith("Z") and value.startswith("2026-"):
        return pd.Timestamp(value).tz_convert(None).to_pydatetime()
    if isinstance(value, float) and column in SKETCHED:
        # What the sketch is off, and its rounding to a microsecond on top of that.
        return pytest.approx(value, rel=0, abs=value * RELATIVE_ERROR + 0.000501)
    if isinstance(value, float):
        tolerance = {"std_ms": ROUNDED, "total_ms": EXACT, "p95_ratio": 0.0225}
        return pytest.approx(value, rel=tolerance.get(column, 1e-9), abs=0.001)
    return int(value) if hasattr(value, "as_tuple") else value
