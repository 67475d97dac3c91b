"""Every number of every analysis equals what DuckDB computes from the same log."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest
from msgspec.structs import replace

from perfectcv_traffic import paths
from perfectcv_traffic.analysis.catalogue import ANALYSES, analyze
from perfectcv_traffic.cli.reading import Source, read
from perfectcv_traffic.record import NullDetail, TokenReason, TokenValidity, TrafficLog

duckdb = pytest.importorskip("duckdb")

SKETCHED = {"p50_ms", "p90_ms", "p95_ms", "p99_ms"}
"""At most 1 % from the exact quantile."""
EXACT, ROUNDED = 1e-12, 1e-6

VIEW = """
CREATE TABLE t AS SELECT *, row_number() OVER () AS id,
  coalesce(route, regexp_replace(path, '/[0-9]+', '/{id}', 'g')) AS place,
  coalesce(method || ' ', '') || coalesce(route, regexp_replace(path, '/[0-9]+', '/{id}', 'g'))
    AS endpoint,
  CASE WHEN status_code IS NULL THEN 'no response'
       WHEN status_code BETWEEN 100 AND 599 THEN (status_code // 100) || 'xx' ELSE 'other' END
    AS class,
  CASE WHEN token_validity IS NULL THEN 'not recorded'
       WHEN token_validity = 'absent' THEN 'without token' ELSE 'with token' END AS presence,
  coalesce(token_validity, 'not recorded') AS validity,
  date_trunc('hour', timestamp::TIMESTAMP) AS hour,
  date_trunc('minute', timestamp::TIMESTAMP) AS minute,
  coalesce(api_token, client_ip, 'unknown') AS client,
  response_time_ms AS d
FROM read_json(?, format='newline_delimited', columns={columns})
"""
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
    "scenario": "VARCHAR", "login_uuid": "VARCHAR",
}  # fmt: skip

N_CLASS = ", ".join(
    f"count(*) FILTER (class = '{name}')"
    for name in ("1xx", "2xx", "3xx", "4xx", "5xx", "other", "no response")
)
N_PRESENCE = ", ".join(
    f"count(*) FILTER (presence = '{name}')"
    for name in ("with token", "without token", "not recorded")
)
RATE_4XX, RATE_5XX = (f"count(*) FILTER (class = '{c}') / count(*)" for c in ("4xx", "5xx"))
QUANTILES = ", ".join(f"quantile_disc(d, {q})" for q in (0.5, 0.9, 0.95, 0.99))
STATISTICS = f"count(d), sum(d), avg(d), min(d), {QUANTILES}, max(d), stddev_pop(d)"
TOTAL = "(SELECT count(*) FROM t)"
SPOTS = """
  SELECT endpoint, 'request' AS source, unnest(null_params_details) AS n, class, id FROM t
  UNION ALL SELECT endpoint, 'response', unnest(null_response_details), class, id FROM t
"""

QUERIES = {
    "totals": f"""SELECT count(*), min(hour), max(hour), count(DISTINCT endpoint),
        count(DISTINCT client), count(*) FILTER (scenario <> ''), {N_PRESENCE}, {N_CLASS},
        count(*) FILTER (null_params_count > 0), count(*) FILTER (null_response_count > 0),
        count(*) FILTER (complete = false), sum(request_bytes), sum(response_bytes), {RATE_5XX}
        FROM t""",
    "status_distribution": f"""SELECT status_code, class, count(*), count(*) / {TOTAL} FROM t
        GROUP BY ALL ORDER BY status_code NULLS LAST""",
    "status_classes": f"""SELECT c, count(id), count(id) / {TOTAL}
        FROM (SELECT unnest(['1xx', '2xx', '3xx', '4xx', '5xx', 'other', 'no response']) AS c)
        LEFT JOIN t ON c = class GROUP BY c ORDER BY c[1] IN ('n', 'o'), c <> 'other', c""",
    "traffic_over_time": f"""SELECT hour, count(*), {N_CLASS}, {RATE_4XX}, {RATE_5XX} FROM t
        GROUP BY hour ORDER BY hour NULLS LAST""",
    "top_endpoints": f"""SELECT endpoint, count(*), count(*) / {TOTAL},
        count(*) FILTER (class = '4xx'), count(*) FILTER (class = '5xx'), sum(response_bytes),
        {RATE_4XX}, {RATE_5XX}, avg(d), quantile_disc(d, 0.95)
        FROM t GROUP BY endpoint ORDER BY count(*) DESC, endpoint LIMIT 10""",
    "top_by_error_rate": f"""SELECT endpoint, count(*), count(*) FILTER (class = '4xx'),
        {RATE_4XX}, count(*) FILTER (class = '5xx'), {RATE_5XX} FROM t GROUP BY endpoint
        HAVING count(*) FILTER (class IN ('4xx', '5xx')) > 0
        ORDER BY {RATE_5XX} DESC, {RATE_4XX} DESC, count(*) DESC, endpoint LIMIT 10""",
    "unmatched_paths": f"""SELECT endpoint, count(*), count(*) FILTER (class = '2xx'),
        count(*) FILTER (class = '4xx'), count(*) FILTER (class = '5xx'), {RATE_4XX}
        FROM t WHERE route IS NULL GROUP BY endpoint ORDER BY count(*) DESC, endpoint LIMIT 20""",
    "url_accesses": """SELECT path, count(*), max(timestamp) FROM t GROUP BY path
        ORDER BY count(*) DESC, path LIMIT 10""",
    "durations": f"SELECT {STATISTICS} FROM t",
    "endpoint_durations": f"""SELECT endpoint, {STATISTICS} FROM t GROUP BY endpoint
        HAVING count(d) > 0 ORDER BY sum(d) DESC, endpoint""",
    "top_by_total_time": """SELECT endpoint, count(d), sum(d), sum(d) / (SELECT sum(d) FROM t),
        avg(d), quantile_disc(d, 0.95) FROM t GROUP BY endpoint HAVING count(d) > 0
        ORDER BY sum(d) DESC, endpoint LIMIT 10""",
    "top_by_p95": """SELECT endpoint, count(d), avg(d), quantile_disc(d, 0.95) FROM t
        GROUP BY endpoint HAVING count(d) > 0 ORDER BY 4 DESC, endpoint LIMIT 10""",
    "latency_over_time": """SELECT hour, count(d), quantile_disc(d, 0.5), quantile_disc(d, 0.95),
        quantile_disc(d, 0.99), max(d) FROM t GROUP BY hour HAVING count(d) > 0
        ORDER BY hour NULLS LAST""",
    "token_presence": f"""SELECT p, count(id), count(id) / {TOTAL} FROM
        (VALUES (0, 'with token'), (1, 'without token'), (2, 'not recorded')) b(n, p)
        LEFT JOIN t ON p = presence GROUP BY n, p ORDER BY n""",
    "token_validity": f"""SELECT v, count(id), count(id) / {TOTAL} FROM (VALUES (0, 'absent'),
        (1, 'valid'), (2, 'invalid'), (3, 'unknown'), (4, 'not recorded')) b(n, v)
        LEFT JOIN t ON v = validity GROUP BY n, v ORDER BY n""",
    "token_reasons": """SELECT token_reason, count(*), count(DISTINCT client_ip),
        count(*) / (SELECT count(*) FROM t WHERE validity = 'invalid') FROM t
        WHERE validity = 'invalid' GROUP BY token_reason ORDER BY token_reason NULLS LAST""",
    "token_usage_by_hour": f"""SELECT hour, count(*), {N_PRESENCE},
        count(*) FILTER (presence = 'with token')
          / nullif(count(*) FILTER (presence <> 'not recorded'), 0)
        FROM t GROUP BY hour ORDER BY hour NULLS LAST""",
    "status_by_token_presence": """SELECT presence, class, n,
          n / sum(n) OVER (PARTITION BY presence)
        FROM (SELECT presence, class, count(*) AS n FROM t GROUP BY presence, class)
        ORDER BY list_position(['with token', 'without token', 'not recorded'], presence),
          class""",
    "clients": f"""SELECT client, count(*), count(*) / {TOTAL}, bool_or(status_code IS NOT
        DISTINCT FROM 429), max(timestamp)
        FROM t GROUP BY client ORDER BY count(*) DESC, client LIMIT 20""",
    "client_hours": """SELECT client, count(*), count(DISTINCT place),
        count(DISTINCT coalesce(hour::VARCHAR, '')), max(per_hour),
        count(DISTINCT (place, hour)) FILTER (status_code = 429)
        FROM (SELECT *, count(*) OVER (PARTITION BY client, hour) AS per_hour FROM t)
        GROUP BY client ORDER BY count(*) DESC, client LIMIT 10""",
    "user_agents": """SELECT user_agent, count(*), count(DISTINCT client_ip),
        count(*) FILTER (class IN ('4xx', '5xx')) / count(*) FROM t GROUP BY user_agent
        ORDER BY count(*) DESC, user_agent LIMIT 20""",
    "rate_limit_pressure": """SELECT client, count(*), max(n), sum(n - 100) FROM
        (SELECT client, minute, count(*) AS n FROM t WHERE minute IS NOT NULL
         GROUP BY client, minute) WHERE n > 100
        GROUP BY client ORDER BY sum(n - 100) DESC, client LIMIT 20""",
    "uuid_logins": """SELECT login_uuid, count(*), count(*) FILTER (class = '2xx'),
        count(DISTINCT client_ip), min(timestamp), max(timestamp) FROM t
        WHERE login_uuid IS NOT NULL GROUP BY login_uuid ORDER BY count(*) DESC, login_uuid
        LIMIT 10""",
    "null_hot_spots": f"""WITH spots AS ({SPOTS}), spot AS (
          SELECT endpoint, source, n.location AS location,
            regexp_replace(n.field_path, '\\[\\d+\\]', '[]', 'g') AS field_path, n.kind AS kind,
            class, id FROM spots)
        SELECT endpoint, source, location, field_path, kind, count(DISTINCT id), count(*),
          {
        ", ".join(
            f"count(DISTINCT id) FILTER (class = '{c}')"
            for c in ("1xx", "2xx", "3xx", "4xx", "5xx", "other", "no response")
        )
    },
          count(DISTINCT id) FILTER (class = '5xx') / count(DISTINCT id) AS rate,
          rate / nullif((SELECT count(*) FILTER (class = '5xx') / count(*) FROM t
                         WHERE t.endpoint = spot.endpoint), 0)
        FROM spot GROUP BY endpoint, source, location, field_path, kind
        ORDER BY count(DISTINCT id) FILTER (class = '5xx') DESC, count(DISTINCT id) DESC,
          endpoint, source, location, field_path, kind""",
    "slowest_requests": """SELECT request_id, timestamp, endpoint, path, status_code, d, client
        FROM t WHERE d IS NOT NULL ORDER BY d DESC, id LIMIT 10""",
    "failing_requests": """SELECT request_id, timestamp, endpoint, path, status_code, d, client,
        error_message FROM t WHERE class = '5xx' ORDER BY id DESC LIMIT 10""",
    "scenarios": f"""SELECT scenario, count(*), {N_CLASS} FROM t GROUP BY scenario
        ORDER BY scenario NULLS LAST""",
    "health": "SELECT count(*), 0, 0, 0, min(timestamp), max(timestamp) FROM t",
}
NOT_QUERIED = {
    "findings": "sentences, tested one by one",
    "duration_bands": "their edges blur by 1 %, compared below",
    "duration_distribution": "bands follow the sketch, compared below",
    "comparison": "needs earlier traffic: the same function on both sides",
    "uncalled_routes": "needs a document",
    "expectations": "needs a database",
    "reconciliation": "needs a database",
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
            api_token=chance.choice([None, "abcd...wxyz", "1234...6789"]),
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
        )  # fmt: skip


def _null(chance: random.Random) -> NullDetail:
    path = chance.choice(["a", "items[0].name", "items[1].name", "b.c[12][3]"])
    return NullDetail(
        field_name="x",
        field_path=path,
        location=chance.choice(["query", "json_body"]),
        kind=chance.choice(["json_null", "empty"]),
    )


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3,000 requests of every kind, and 130 of one client within a minute."""
    path = tmp_path_factory.mktemp("log") / "api_traffic.log"
    burst = {"timestamp": "2026-11-20T12:00:30.000000Z", "client_ip": "10.0.0.9", "api_token": None}
    records = [*_records(3000), *(replace(one, **burst) for one in _records(130))]
    lines = (msgspec.json.encode(record) + b"\n" for record in records)
    path.write_bytes(b"".join(lines))
    return path


@pytest.fixture(scope="module")
def results(log: Path) -> dict[str, pd.DataFrame]:
    """What the analyses make of it."""
    return analyze(read(Source(log, [log])))


@pytest.fixture(scope="module")
def database(log: Path) -> Any:
    """The log as DuckDB reads it."""
    connection = duckdb.connect()
    connection.execute(VIEW.replace("{columns}", repr(COLUMNS)), [str(log)])
    return connection


def test_every_analysis_is_compared_or_has_a_reason() -> None:
    assert {*QUERIES, *NOT_QUERIED} == {analysis.name for analysis in ANALYSES}


@pytest.mark.parametrize("name", QUERIES)
def test_numbers_equal_those_of_another_engine(
    results: dict[str, pd.DataFrame], database: Any, name: str
) -> None:
    _assert_equal(results[name], database.execute(QUERIES[name]).fetchall())


def test_distribution_of_durations_counts_what_lies_in_each_band(
    results: dict[str, pd.DataFrame], database: Any
) -> None:
    for band in results["duration_distribution"].to_dict("records"):
        limits = [band["from_ms"], band["to_ms"]]
        low = "d >= 0" if band["from_ms"] < 0.001 else f"d > {limits[0]!r}"
        (count,) = database.execute(
            f"SELECT count(*) FROM t WHERE {low} AND d <= {limits[1]!r}"
        ).fetchone()
        assert band["timed"] == count


def test_bands_of_durations_count_what_lies_in_each_but_for_their_edges(
    results: dict[str, pd.DataFrame], database: Any
) -> None:
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


REAL_LOG = Path(__file__).parents[3] / "shared" / "data" / "apache_combined.log"
REAL_VIEW = r"""
CREATE TABLE t AS WITH line AS (
  SELECT row_number() OVER () AS id, regexp_extract(l,
    '^(\S+) \S+ \S+ \[([^]]+)\] "(\S+) (\S+) [^"]*" (\d+) (\S+) '
    || '"(?:[^"\\]|\\.)*" "((?:[^"\\]|\\.)*)"?$',
    ['ip', 'at', 'method', 'target', 'status', 'size', 'agent']) AS f
  FROM read_csv(?, columns={'l': 'VARCHAR'}, delim='\x01', quote='', escape='', header=false)
), cell AS (
  SELECT id, f.method AS method, f.ip AS client,
    f.target AS target,
    coalesce(try(url_decode(split_part(f.target, '?', 1))), f.target) AS path,
    f.status::BIGINT AS status_code,
    nullif(nullif(f.agent, '-'), '') AS user_agent,
    coalesce(try_cast(f.size AS BIGINT), 0) AS response_bytes, 0 AS request_bytes,
    strptime(f.at, '%d/%b/%Y:%H:%M:%S +0000') AS timestamp
  FROM line
)
SELECT *, method || ' ' || template(path) AS endpoint, template(path) AS place,
  NULL::VARCHAR AS route, (status_code // 100) || 'xx' AS class,
  'not recorded' AS presence, 'not recorded' AS validity,
  date_trunc('hour', timestamp) AS hour, date_trunc('minute', timestamp) AS minute,
  client AS client_ip, NULL::DOUBLE AS d, NULL::VARCHAR AS scenario, NULL::BOOLEAN AS complete,
  len(list_filter(string_split(regexp_extract(target, '[?](.*)', 1), '&'),
    lambda p: regexp_full_match(p, '[^=]+(=(null|None|undefined)?)?'))) AS null_params_count,
  0 AS null_response_count
FROM cell
"""
OF_REAL_LOG = (
    "totals", "status_distribution", "status_classes", "traffic_over_time", "top_by_error_rate",
    "unmatched_paths", "url_accesses", "token_presence", "token_validity", "token_usage_by_hour",
    "status_by_token_presence", "clients", "client_hours", "user_agents", "health",
)  # fmt: skip


@pytest.mark.skipif(not REAL_LOG.is_file(), reason="the real log is not beside the repository")
def test_numbers_of_a_real_log_equal_those_of_another_engine() -> None:
    connection = duckdb.connect()
    connection.create_function("template", paths.template, ["VARCHAR"], "VARCHAR")
    connection.execute(REAL_VIEW, [str(REAL_LOG)])
    results = analyze(read(Source(REAL_LOG, [REAL_LOG])))

    for name in OF_REAL_LOG:
        _assert_equal(results[name], connection.execute(QUERIES[name]).fetchall())


def _assert_equal(table: pd.DataFrame, expected: list[tuple[Any, ...]]) -> None:
    assert expected
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
    if isinstance(value, float):
        tolerance = {"std_ms": ROUNDED, "total_ms": EXACT, **dict.fromkeys(SKETCHED, 0.0101)}
        return pytest.approx(value, rel=tolerance.get(column, 1e-9), abs=0.001)
    return int(value) if hasattr(value, "as_tuple") else value
