"""What holds for the package as a whole: what it exports, what importing it costs."""

import subprocess
import sys
from pathlib import Path

import pytest

import perfectcv_traffic

HEAVY = {"pandas", "matplotlib", "rich", "typer", "httpx", "sqlite_utils", "sqlite3", "jinja2"}
WEB = {"fastapi", "starlette", "uvicorn"}


def loaded_after(code: str) -> set[str]:
    """The heavy libraries that are loaded once `code` ran in a fresh interpreter."""
    script = f"{code}\nimport sys\nprint(*({HEAVY | WEB!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


def test_public_names_are_sorted_and_there() -> None:
    assert perfectcv_traffic.__all__ == sorted(perfectcv_traffic.__all__)
    assert all(hasattr(perfectcv_traffic, name) for name in perfectcv_traffic.__all__)


def test_import_loads_no_heavy_library() -> None:
    assert loaded_after("import perfectcv_traffic") == set()
    assert not loaded_after("import perfectcv_traffic; perfectcv_traffic.setup_monitoring") & HEAVY


def test_monitored_requests_load_no_heavy_library(tmp_path: object) -> None:
    code = f"""
import asyncio
from perfectcv_traffic import setup_monitoring

async def app(scope, receive, send):
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    await send({{"type": "http.response.body", "body": b"{{}}"}})

async def receive():
    return {{"type": "http.request"}}

async def send(message):
    pass

monitor = setup_monitoring(app, log={str(tmp_path)!r} + "/traffic.log")
scope = {{"type": "http", "method": "GET", "path": "/", "headers": []}}
asyncio.run(monitor.app(scope, receive, send))
monitor.close()
assert monitor.counters.recorded == 1
"""
    assert not loaded_after(code) & HEAVY


def test_the_command_line_loads_no_analysis_library_and_no_web_framework() -> None:
    loaded = loaded_after("from perfectcv_traffic.cli.app import program; program()")

    assert loaded == {"rich", "sqlite3", "typer"}


@pytest.mark.parametrize(("form", "shown_with"), [([], {"rich"}), (["--json"], set())])
def test_answers_load_no_chart_library_and_no_web_framework(
    tmp_path: Path, form: list[str], shown_with: set[str]
) -> None:
    log = tmp_path / "api_traffic.log"
    log.write_text('{"request_id":"1","path":"/a"}\n')
    arguments = ["analyze", str(log), "--no-charts", *form]
    code = f"""
import contextlib, io
from perfectcv_traffic.cli.app import main
with contextlib.redirect_stdout(io.StringIO()):
    main({arguments!r})
"""

    assert loaded_after(code) == {"pandas", "sqlite3", "typer"} | shown_with


def test_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nosuch"):
        _ = perfectcv_traffic.nosuch
