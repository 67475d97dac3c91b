"""What the admin endpoints cost a process that does not want them, and one that does."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
from fastapi import FastAPI
from perfectcv_traffic import setup_monitoring

setup_monitoring(FastAPI(), log={log!r}, admin_token={token!r})
loaded = {{name for name in sys.modules if name.startswith("perfectcv_traffic.")}}
heavy = {{"sqlite3", "sqlite_utils", "pandas", "matplotlib", "rich", "typer"}} & set(sys.modules)
print("admin" if "perfectcv_traffic.admin" in loaded else "no admin", *sorted(heavy))
"""


def loaded(tmp_path: Path, token: str) -> str:
    script = SCRIPT.format(log=str(tmp_path / "traffic.log"), token=token)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


def test_without_a_token_neither_admin_nor_sqlite_is_loaded(tmp_path: Path) -> None:
    assert loaded(tmp_path, "") == "no admin"


def test_with_a_token_sqlite_is_loaded_and_no_analysis_library(tmp_path: Path) -> None:
    assert loaded(tmp_path, "a-token") == "admin sqlite3"
