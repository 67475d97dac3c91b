"""What holds for the package as a whole: what it exports, what importing it costs."""

import subprocess
import sys

import perfectcv_traffic

HEAVY = {"pandas", "matplotlib", "rich", "typer", "httpx", "sqlite_utils", "sqlite3", "jinja2"}


def loaded_after(code: str) -> set[str]:
    """The heavy libraries that are loaded once `code` ran in a fresh interpreter."""
    script = f"{code}\nimport sys\nprint(*({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


def test_public_names_are_sorted_and_there() -> None:
    assert perfectcv_traffic.__all__ == sorted(perfectcv_traffic.__all__)
    assert all(hasattr(perfectcv_traffic, name) for name in perfectcv_traffic.__all__)


def test_import_loads_no_heavy_library() -> None:
    assert loaded_after("import perfectcv_traffic") == set()


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
    assert loaded_after(code) == set()


def test_importing_the_command_line_loads_no_analysis_library() -> None:
    loaded = loaded_after("import perfectcv_traffic.cli.app")

    assert not loaded & {"pandas", "matplotlib", "httpx", "sqlite_utils", "jinja2"}
