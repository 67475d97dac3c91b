"""Options of `generate` that need a whole command: files, baselines, an application to serve."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from perfectcv_traffic.cli.generating.secrets import credentials
from perfectcv_traffic.demo.security import issue_token

Program = Callable[..., subprocess.CompletedProcess[str]]

APPLICATION = """
from fastapi import FastAPI

app = FastAPI()


@app.get("/things")
def things(kind: str = "x") -> list[int]:
    return [1 // (kind != "null")]
"""


@pytest.mark.end_to_end
def test_accepted_findings_fail_no_run_and_lines_tell_it_from_start_to_summary(
    program: Program, demo: str, tmp_path: Path
) -> None:
    (tmp_path / "token.txt").write_text(f"{issue_token(1)}\nwhat follows is not of the token\n")
    arguments = ("generate", demo, "--token-file", "token.txt", "--baseline", "accepted.json")

    first = program(*arguments)
    second = program(*arguments, "--update-baseline", "--output", "run.jsonl")
    third = program(*arguments)

    assert (first.returncode, second.returncode, third.returncode) == (1, 0, 0)
    assert "Accepted in the baseline" in third.stdout
    events = [json.loads(one) for one in (tmp_path / "run.jsonl").read_text().splitlines()]
    assert [events[0]["event"], events[-1]["event"]] == ["start", "summary"]
    assert events[-1]["document"] == f"{demo}/openapi.json"
    ids = [one["request_id"] for one in events if one["event"] == "request"]
    assert ids
    assert all(one.startswith(events[0]["run_id"]) for one in ids)
    assert "token.txt" not in first.stdout
    assert issue_token(1)[:20] not in first.stdout


@pytest.mark.end_to_end
@pytest.mark.parametrize("traffic", [("--requests", "5"), ("--include", "/health")])
def test_report_on_stdout_stays_whole_when_it_is_reconciled(
    program: Program, demo: str, traffic: tuple[str, ...]
) -> None:
    done = program("generate", demo, *traffic, "--format", "json", "--reconcile")

    assert json.loads(done.stdout)
    assert ", 0 missing, 0 unexpected" in done.stderr


@pytest.mark.end_to_end
def test_application_is_served_probed_and_reconciled(program: Program, tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text(APPLICATION)

    done = program("generate", "--app", "small:app", "--reconcile", "--max-findings", "5")

    assert done.returncode == 1
    assert "PT201 GET /things /query/kind" in done.stdout
    assert ", 0 missing, 0 unexpected" in done.stdout


@pytest.mark.end_to_end
def test_traffic_is_told_as_json_and_shown_by_analyze(program: Program, demo: str) -> None:
    done = program(
        "generate", demo, "--stages", "1s@20", "--scenario", "valid=2", "--format", "json"
    )
    run = json.loads(done.stdout)

    assert done.returncode == 0
    assert run["model"] == "open loop at 20/s"
    assert run["sent"] == sum(one["sent"] for one in run["scenarios"]) > 0
    assert run["response_ms"]["p50"] >= run["service_ms"]["p50"] > 0
    analyzed = json.loads(program("analyze", "--json", "--no-charts").stdout)["analyses"]
    (row,) = analyzed["reconciliation"]["rows"]
    assert (row["run_id"], row["missing"], row["unexpected"]) == (run["run_id"], 0, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--stages", "10s"), "--stages '10s': write SECONDS@RATE"),
        (("--requests", "5", "--scenario", "valid=x"), "the weight must be a whole number"),
        (("--requests", "5", "--scenario", "valid=0"), "give a weight of 1 to 100"),
        (("--only", "PT999"), "--only 'PT999'"),
        (("--login", "somewhere"), "--login 'POST /path'"),
        (("--requests", "5", "--format", "sarif"), "--format sarif: for traffic choose text"),
        (("--api-key-env", "head=NOT_SET"), "environment variable NOT_SET is not set"),
        (("--fail-on", "surprise"), "--fail-on surprise is for traffic"),
        (("--only", "PT101", "--suite", "null,answers"), "--only PT101: no suite"),
        (("--suite", "auth", "--requests", "5"), "--suite 'auth' sends no traffic"),
        (("--app", "shop:app", "http://127.0.0.1:9"), "TARGET and --app exclude each other"),
        (("--username", "a"), "give --password-env as well"),
        (("--password-env", "A_SECRET"), "give --username as well"),
        (("--login-field", "a=b"), "--login-field is for a login"),
        (("--login", "PUT /session"), "--login 'POST /path'"),
        (("--token-env", "A_SECRET", "--token-file", "x"), "--token-file and --token-env exclude"),
        (("--format", "json", "--format", "sarif"), "one --format alone can go to stdout"),
        (
            ("--format", "json", "--format", "sarif", "--output", "x.sarif"),
            "--output x.sarif would hold json",
        ),
        (
            ("--suite", "null,load", "--requests", "5", "--output", "x.json"),
            "a search and traffic are two reports",
        ),
    ],
)
def test_value_that_cannot_be_used_exits_2(
    program: Program, arguments: tuple[str, ...], message: str
) -> None:
    done = program("generate", *arguments, A_SECRET="a-secret")

    assert done.returncode == 2
    assert message in done.stderr


def test_secret_given_for_the_name_of_its_variable_is_not_repeated(program: Program) -> None:
    done = program("generate", "--token-env", "sk-live-0123456789")

    assert done.returncode == 2
    assert "environment variable of the name that was given is not set" in done.stderr
    assert "sk-live" not in done.stderr


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_token_file_of_any_windows_editor_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "token.txt"
    path.write_text("the-token\r\nwhat follows\r\n", encoding=encoding)

    assert credentials(None, token_file=path).token == "the-token"


@pytest.mark.end_to_end
def test_file_that_cannot_be_written_is_said_before_anything_is_sent(
    program: Program, tmp_path: Path
) -> None:
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "file").touch()

    for told in ("folder.json", "file/report.json"):
        done = program("generate", "http://127.0.0.1:9", "--output", told)
        assert done.returncode == 3
        assert f"cannot write {told}" in done.stderr
    update = ("--update-baseline", "--baseline", "file/accepted.json")
    done = program("generate", "http://127.0.0.1:9", *update)
    assert done.returncode == 3
    assert "cannot write file/accepted.json" in done.stderr
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "folder.json"]


@pytest.mark.end_to_end
def test_search_and_traffic_fail_each_on_its_own(program: Program, tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text(APPLICATION)
    both = ("--suite", "null,load", "--requests", "4", "--scenario", "valid")

    done = program("generate", "--app", "small:app", *both, "--fail-on", "surprise")

    assert done.returncode == 1
    assert "PT201 GET /things" in done.stdout


@pytest.mark.end_to_end
@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell with pipes")
def test_reader_that_has_enough_of_the_lines_ends_no_search(demo: str, tmp_path: Path) -> None:
    command = f"{sys.executable} -m perfectcv_traffic generate {demo} --format jsonl"

    done = subprocess.run(
        ["bash", "-c", f"{command} --fail-on never | head -1; exit ${{PIPESTATUS[0]}}"],
        cwd=tmp_path, capture_output=True, encoding="utf-8", check=False,
        timeout=120,
    )  # fmt: skip

    assert done.returncode == 0
    assert "Broken pipe" not in done.stderr
    assert json.loads(done.stdout)["event"] == "start"
