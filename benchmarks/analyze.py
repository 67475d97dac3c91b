"""Time `analyze`: over databases of two sizes, and straight from a log beside other tools.

Usage: python benchmarks/analyze.py [lines] [rounds]

The tools take turns, so that whatever else the machine does slows all of them alike. DuckDB makes
the groups of the same lines that `summary/tables.py` has, no more and no less, each event id once:

- requests by hour, method, route, status, token validity, required authentication and scenario,
  with counts, sums, extremes and a histogram of durations
- nulls by hour, method, route, status, source, location, field and kind
- requests by client (masked token, `***` excepted, else address), route and hour
- requests by path

Run it where there is what a user has, `pip install . duckdb` and nothing more: pandas loads pyarrow
if it finds it, for 0.1 s of every start, and what the tests need brings it. Modules are compiled
first, as pip does it when it installs, and are those of the environment, not of this folder (-P).

It is told the names and types of the fields that this takes: guessing them takes it longer. It is
spared what `analyze` does besides: templates of unmatched paths, the latest 20,000 requests, the
check of the other fields' types, every analysis. GoAccess joins in if it is installed.
"""

from __future__ import annotations

import compileall
import importlib.util
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from native_log import write

import perfectcv_traffic

DUCKDB = """
import duckdb, sys
NULLS = 'STRUCT(field_path VARCHAR, location VARCHAR, kind VARCHAR)[]'
FIELDS = {
    'event_id': 'VARCHAR', 'timestamp': 'TIMESTAMP', 'method': 'VARCHAR', 'route': 'VARCHAR',
    'path': 'VARCHAR', 'scenario': 'VARCHAR', 'status_code': 'BIGINT', 'token_validity': 'VARCHAR',
    'auth_required': 'BOOLEAN', 'complete': 'BOOLEAN', 'client_ip': 'VARCHAR',
    'api_token': 'VARCHAR', 'request_bytes': 'BIGINT', 'response_bytes': 'BIGINT',
    'response_time_ms': 'DOUBLE', 'null_params_count': 'BIGINT', 'null_response_count': 'BIGINT',
    'null_params_details': NULLS, 'null_response_details': NULLS}
duckdb.sql(f'''
  CREATE TEMP TABLE lines AS
  SELECT DISTINCT ON (event_id) * REPLACE (coalesce(route, path) AS route),
    route IS NOT NULL AS known, date_trunc('hour', timestamp) AS hour,
    coalesce(nullif(api_token, '***'), client_ip, 'unknown') AS client,
    CAST(round(response_time_ms * 1000) AS BIGINT) AS us
  FROM read_json('{sys.argv[1]}', format='newline_delimited', columns={FIELDS})''')
duckdb.sql('''
  CREATE TEMP TABLE cells AS
  SELECT hour, method, route, known, status_code, token_validity, auth_required, scenario,
    count(*), count(*) FILTER (null_params_count > 0), count(*) FILTER (null_response_count > 0),
    count(*) FILTER (NOT complete), sum(request_bytes), sum(response_bytes), count(us),
    sum(us), sum(us * us), min(us), max(us), histogram(CAST(ceil(ln(us + 1) / 0.02) AS INTEGER))
  FROM lines GROUP BY ALL''')
duckdb.sql(r'''
  CREATE TEMP TABLE nulls AS
  WITH found AS (
    SELECT event_id, hour, method, route, status_code, 'request' AS source,
      unnest(null_params_details, recursive := true) FROM lines
    UNION ALL
    SELECT event_id, hour, method, route, status_code, 'response',
      unnest(null_response_details, recursive := true) FROM lines)
  SELECT hour, method, route, status_code, source, location,
    regexp_replace(field_path, '\\[\\d+\\]', '[]', 'g') AS field, kind,
    count(DISTINCT event_id), count(*)
  FROM found GROUP BY ALL''')
duckdb.sql('''
  CREATE TEMP TABLE clients AS
  SELECT client, route, hour, count(*), max(timestamp), max(status_code = 429)
  FROM lines GROUP BY client, route, hour''')
duckdb.sql('''
  CREATE TEMP TABLE urls AS
  SELECT path, count(*), max(timestamp) FROM lines GROUP BY path''')
"""
FORMAT = (
    '{ "timestamp": "%dT%t.%^", "client_ip": "%h", "method": "%m", "path": "%U", '
    '"status_code": "%s", "response_bytes": "%b", "response_time_ms": "%L", "user_agent": "%u" }'
)


def main(lines: int, rounds: int) -> None:
    """Make the logs, time every tool, print the medians."""
    compileall.compile_dir(Path(perfectcv_traffic.__file__).parent, quiet=2)
    if importlib.util.find_spec("pyarrow"):
        print("pyarrow is installed, as it is not where a user has this alone: analyze is slower")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        log = directory / "api_traffic.log"
        write(log, lines, days=7)
        tools = direct(log)
        tools |= {f"database of {n:,}": database(directory, n, 7) for n in (lines // 100, lines)}
        taken: dict[str, list[float]] = {tool: [] for tool in tools}
        for _ in range(rounds):
            for tool, run in tools.items():
                start = time.perf_counter()
                run()
                taken[tool].append(time.perf_counter() - start)
        for tool, seconds in taken.items():
            median = statistics.median(seconds)
            print(f"{tool:28} {median:7.2f} s  {lines / median:10,.0f} lines/s")


def direct(log: Path) -> dict[str, Callable[[], None]]:
    """Every tool that reads the log itself."""
    program = [sys.executable, "-P", "-m", "perfectcv_traffic", "analyze", "--no-charts", "--json"]
    tools = {"analyze LOG": command(*program, str(log))}
    tools["DuckDB read_json"] = command(sys.executable, "-c", DUCKDB, str(log))
    if goaccess := shutil.which("goaccess"):
        options = ["--log-format", FORMAT, "--date-format", "%Y-%m-%d", "--time-format", "%T"]
        report = str(log.with_suffix(".json"))
        tools["GoAccess"] = command(goaccess, str(log), *options, "-o", report)
    return tools


def database(directory: Path, lines: int, days: float) -> Callable[[], None]:
    """A database of so many rows, and `analyze` over it."""
    log, db = directory / f"{lines}.log", directory / f"{lines}.db"
    write(log, lines, days)
    program = [sys.executable, "-P", "-m", "perfectcv_traffic"]
    command(*program, "ingest", str(log), "--db", str(db))()
    log.unlink()
    return command(*program, "analyze", "--no-charts", "--db", str(db))


def command(*words: str) -> Callable[[], None]:
    """A process to be run to its end."""

    def run() -> None:
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    return run


if __name__ == "__main__":
    main(*(int(one) for one in [*sys.argv[1:], *("1000000", "3")[len(sys.argv) - 1 :]]))
