"""The main job end to end: serve, generate, record, ingest, analyze, report."""

import json
import os
import re
import sqlite3
import stat
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

Program = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.end_to_end

CHARTS = {
    "status_distribution.png",
    "top_endpoints.png",
    "duration_distribution.png",
    "token_usage_by_hour.png",
    "status_by_token_presence.png",
    "traffic_over_time.png",
    "latency_over_time.png",
    "null_hot_spots.png",
}
RECONCILED = re.compile(
    r"Run \w+: ([\d,]+) requests sent, ([\d,]+) recorded, ([\d,]+) ingested, ([\d,]+) lost"
)


def reconciled(output: str) -> list[int]:
    found = RECONCILED.search(output)
    assert found, output
    return [int(number.replace(",", "")) for number in found.groups()]


def rows(db: Path, query: str) -> list[tuple[int, ...]]:
    with closing(sqlite3.connect(db)) as connection:
        return connection.execute(query).fetchall()


def test_run_twice_stores_every_request_once(program: Program, tmp_path: Path) -> None:
    first = program("run", "--requests", "40")
    second = program("run", "--requests", "30", "--seed", "1")

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    sent_first, sent_second = reconciled(first.stdout), reconciled(second.stdout)
    # Two requests prepare each run: the document and the login.
    assert sent_first == [42, 42, 42, 0]
    assert sent_second == [32, 32, 32, 0]
    assert rows(tmp_path / "traffic_monitor.db", "SELECT count(*) FROM api_requests") == [(74,)]
    assert {path.name for path in (tmp_path / "analysis_output").iterdir()} == {
        *CHARTS,
        "report.html",
        "summary.json",
        "server_output.txt",
    }
    if os.name == "posix":  # what an application prints may hold a secret
        output = tmp_path / "analysis_output" / "server_output.txt"
        assert stat.S_IMODE(output.stat().st_mode) == 0o600


def test_console_summary_and_report_show_the_same_numbers(program: Program, tmp_path: Path) -> None:
    done = program("run", "--requests", "60")
    output = tmp_path / "analysis_output"

    summary = json.loads((output / "summary.json").read_text("utf-8"))
    totals = summary["analyses"]["totals"]["rows"][0]
    page = (output / "report.html").read_text("utf-8")
    assert totals["requests"] == 62
    assert re.search(r"^  Requests +62$", done.stdout, re.MULTILINE)
    for name in ("requests", "with_token", "without_token", "requests_with_null_params"):
        assert f">{totals[name]}<" in page
    by_status = rows(
        tmp_path / "traffic_monitor.db",
        "SELECT status_code, count(*) FROM api_requests GROUP BY 1 ORDER BY 1",
    )
    shown = summary["analyses"]["status_distribution"]["rows"]
    assert [(row["status_code"], row["requests"]) for row in shown] == by_status


def test_analysis_of_log_and_of_database_agree(program: Program, tmp_path: Path) -> None:
    program("run", "--requests", "30")

    stored = json.loads(program("analyze", "--no-charts", "--json").stdout)
    direct = json.loads(program("analyze", "api_traffic.log", "--no-charts", "--json").stdout)

    # What was expected is known to the database alone.
    assert direct["analyses"].pop("expectations")["rows"] == []
    assert stored["analyses"].pop("expectations")["rows"]
    assert direct["analyses"].pop("reconciliation")["rows"] == []
    assert stored["analyses"].pop("reconciliation")["rows"]
    assert direct["analyses"] == stored["analyses"]


def test_first_run_finds_the_documented_flaws_that_traffic_shows(program: Program) -> None:
    done = program("run")  # as a newcomer does
    findings = done.stdout.partition("Findings")[2].partition("Totals")[0]

    assert set(re.findall(r"(?:GET|POST) [^,\s]+", findings)) == {
        "GET /api/v1/payments/invoices",
        "GET /cache",
        "POST /api/v1/career-tools/cover-letter",
    }


def test_fail_on_surprise_ends_with_the_code_for_findings(program: Program) -> None:
    assert program("run", "--requests", "200", "--fail-on", "surprise").returncode == 1


APPLICATION = """
from fastapi import FastAPI

def create() -> FastAPI:
    app = FastAPI()

    @app.get("/items/{item_id}")
    def item(item_id: int, page: int | None = None) -> dict[str, int | None]:
        return {"id": item_id, "page": page}

    return app

app = create()
"""


@pytest.mark.parametrize("name", ["shop:app", "shop:create"])
def test_own_application_is_served_and_recorded(
    program: Program, tmp_path: Path, name: str
) -> None:
    (tmp_path / "shop.py").write_text(APPLICATION)

    done = program("run", "--app", name, "--requests", "9")

    assert done.returncode == 0, done.stderr
    assert reconciled(done.stdout)[2:] == [10, 0]
    routes = rows(tmp_path / "traffic_monitor.db", "SELECT DISTINCT route FROM api_requests")
    assert {str(route) for (route,) in routes} == {"/items/{item_id}", "/openapi.json"}


def test_requests_that_failed_are_told_where_findings_are(program: Program, tmp_path: Path) -> None:
    crash = APPLICATION.replace('return {"id"', 'raise OSError({"id"').replace("page}", "page})")
    (tmp_path / "shop.py").write_text(crash)

    done = program("run", "--app", "shop:app", "--requests", "9")

    assert re.search(r"Findings: .*; \d requests failed 5xx; open ", done.stdout)
