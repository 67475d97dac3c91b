"""An API that records elsewhere than where its traffic is looked for."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Program = Callable[..., subprocess.CompletedProcess[str]]

NOTES = """
from fastapi import FastAPI
from perfectcv_traffic import setup_monitoring

app = FastAPI()
setup_monitoring(app, log="its own.log", ingest="off")


@app.get("/notes")
def read(limit: int = 3) -> int:
    return limit
"""

pytestmark = pytest.mark.end_to_end


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--requests", "10", "--fail-on", "surprise"),
        ("generate", "--requests", "10", "--reconcile"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_application_that_monitors_itself_is_read_from_its_own_log(
    program: Program, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "notes.py").write_text(NOTES, "utf-8")

    done = program(*arguments, "--app", "notes:app", "--log", "other.log", "--db", "other.db")

    assert done.returncode == 0, done.stderr
    assert f"its log is {tmp_path / 'its own.log'}, not --log other.log" in done.stderr
    last = done.stdout.strip().splitlines()[-1]
    assert last.endswith(("0 lost", "0 missing, 0 unexpected"))
    assert not (tmp_path / "other.log").exists()


def test_run_against_an_api_that_records_elsewhere_says_so_and_leaves_no_database(
    program: Program, demo: str, tmp_path: Path
) -> None:
    elsewhere = ("run", "--base-url", demo, "--requests", "6", "--log", "mine.log")

    done = program(*elsewhere)

    assert done.returncode == 3
    assert f"log mine.log does not exist: {demo} records elsewhere, or not at all" in done.stderr
    assert not list(tmp_path.glob("*.db*"))
    (tmp_path / "mine.log").touch()
    done = program(*elsewhere)
    assert f"mine.log has none of these requests: {demo} records elsewhere" in done.stderr
