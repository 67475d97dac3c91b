"""`generate` and `explain` as a person or a CI job calls them."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from perfectcv_traffic.demo.flaws import FLAWS
from perfectcv_traffic.demo.security import issue_token
from perfectcv_traffic.demo.state import (
    DEMO_ADMIN_EMAIL,
    DEMO_ADMIN_PASSWORD,
    DEMO_API_KEY,
    DEMO_JWT_SECRET,
)
from perfectcv_traffic.rules import RULES

Program = Callable[..., subprocess.CompletedProcess[str]]

SECRETS = {
    "DEMO_PASSWORD": DEMO_ADMIN_PASSWORD,
    "DEMO_KEY": DEMO_API_KEY,
    "DEMO_SECRET": DEMO_JWT_SECRET,
}
LOGIN = ("--username", DEMO_ADMIN_EMAIL, "--password-env", "DEMO_PASSWORD")
ALL_SECRETS = (
    *LOGIN, "--api-key-env", "DEMO_KEY", "--jwt-secret-env", "DEMO_SECRET",
    "--low-token-env", "DEMO_LOW",
)  # fmt: skip


@pytest.mark.end_to_end
def test_demo_has_exactly_its_documented_flaws_and_everything_sent_is_recorded(
    program: Program, demo: str, tmp_path: Path
) -> None:
    done = program(
        "generate", demo, *ALL_SECRETS, "--allow-writes", "--allow-deletes", "--reconcile",
        "--format", "json", "--output", "found.json",
        DEMO_LOW=issue_token(1), **SECRETS,
    )  # fmt: skip
    found = json.loads((tmp_path / "found.json").read_text())

    assert done.returncode == 1
    documented = {(one.rule, one.method, one.path) for one in FLAWS}
    assert {(one["rule"], one["method"], one["path"]) for one in found["findings"]} == documented
    assert found["complete"] is True
    assert found["counts"]["operations"]["inconclusive"] <= 1
    assert ", 0 missing, 0 unexpected" in done.stdout
    analyzed = json.loads(program("analyze", "--json", "--no-charts").stdout)["analyses"]
    (run,) = analyzed["reconciliation"]["rows"]
    assert run["sent"] == run["recorded"] == found["counts"]["requests"]
    assert (run["missing"], run["unexpected"]) == (0, 0)
    assert not any(row["not_recorded"] for row in analyzed["expectations"]["rows"])
    with sqlite3.connect(tmp_path / "traffic_monitor.db") as connection:
        (stored,) = connection.execute("SELECT count(*) FROM findings").fetchone()
    connection.close()
    assert stored == len(found["findings"])


@pytest.mark.end_to_end
def test_wrong_credential_is_said_instead_of_passing_everything(
    program: Program, demo: str, tmp_path: Path
) -> None:
    done = program(
        "generate", demo, "--token-env", "WRONG", "--include", "/auth/me", "--output", "run.jsonl",
        WRONG="wrong",
    )  # fmt: skip

    assert done.returncode == 2
    assert "the credential was refused (401)" in done.stderr
    events = [json.loads(one) for one in (tmp_path / "run.jsonl").read_text().splitlines()]
    assert events[-1]["event"] == "summary"
    assert "the credential was refused" in events[-1]["stop_reason"]
    stored = program("query", "SELECT count(*) > 0 FROM generated_requests").stdout
    assert stored.splitlines()[1] == "1"


@pytest.mark.end_to_end
def test_dry_run_prints_the_plan_and_sends_nothing_but_for_the_document(
    program: Program, demo: str
) -> None:
    done = program("generate", demo, "--dry-run")
    steps = [json.loads(line) for line in done.stdout.splitlines()]

    assert done.returncode == 0
    assert {one["method"] for one in steps} == {"GET"}
    assert {"valid", "no_token", "null_query"} <= {one["scenario"] for one in steps}


@pytest.mark.parametrize(
    "command", [("generate",), ("generate", "--requests", "5"), ("run", "--base-url")]
)
def test_target_that_does_not_answer_exits_4_and_leaves_no_database(
    program: Program, tmp_path: Path, command: tuple[str, ...]
) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        done = program(*command, f"http://127.0.0.1:{bound.getsockname()[1]}")

    assert done.returncode == 4
    assert "did not answer (connection refused)" in done.stderr
    assert not list(tmp_path.glob("traffic_monitor.db*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--suite", "all"), "--suite 'all'"),
        (("--format", "html"), "--format 'html'"),
        (("--fail-on", "fatal"), "--fail-on 'fatal'"),
        (("--requests", "5", "--fail-on", "error"), "for traffic choose 'surprise' or 'never'"),
        (("--token-env", "NOT_SET"), "environment variable NOT_SET is not set"),
        (("--admin-path", "("), "pattern '(' cannot be used"),
    ],
)
def test_option_that_cannot_be_used_exits_2(
    program: Program, arguments: tuple[str, ...], message: str
) -> None:
    done = program("generate", *arguments)

    assert done.returncode == 2
    assert message in done.stderr


def test_explain_tells_meaning_sign_and_fix(program: Program) -> None:
    done = program("explain", "pt104")

    assert done.returncode == 0
    for part in ("PT104", "Meaning", "How it was seen", "How to fix it", "jwt.decode"):
        assert part in done.stdout


def test_explain_without_a_rule_lists_all(program: Program) -> None:
    lines = program("explain").stdout.splitlines()

    named = [line.split()[0] for line in lines]
    assert named == sorted(named)
    assert {rule.id for rule in RULES} < set(named)


def test_explain_of_an_unknown_rule_exits_2(program: Program) -> None:
    done = program("explain", "PT999")

    assert done.returncode == 2
    assert "unknown rule 'PT999'" in done.stderr
