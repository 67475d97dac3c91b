"""The process of a served application leaves Python to the application as it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from perfectcv_traffic.demo.process import served
from perfectcv_traffic.errors import TargetError

APPLICATION = """
import ctypes, gc, os, sqlite3
from importlib.util import find_spec
from pathlib import Path
from fastapi import FastAPI

app = FastAPI()
connection = sqlite3.connect(":memory:")
connection.execute("CREATE TABLE t (x)")
module = find_spec("_sqlite3")
library = ctypes.CDLL(module.origin) if module.has_location else None
used = getattr(library, "sqlite3_memory_used", lambda: 1)()
found = gc.get_threshold(), os.environ.get("OPENBLAS_NUM_THREADS"), used > 0
with Path("found").open("a") as file:
    print(found, file=file)
"""


def test_served_application_finds_collector_threads_and_sqlite_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    Path("somebodys.py").write_text(APPLICATION)
    subprocess.run([sys.executable, "-c", "import somebodys"], check=True, timeout=60)
    with served("somebodys:app", log=Path("api.log"), port=0, output=Path("output")):
        pass
    plain, within = Path("found").read_text().splitlines()
    assert within == plain


CHATTY = """
from fastapi import FastAPI

print("the worker is listening on port 5432", "listening on http://127.0.0.1:1 for now", flush=True)
print("no line end, then ", end="", flush=True)
app = FastAPI()


@app.get("/ours")
def read() -> None: ...
"""


def test_application_may_say_that_it_listens_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("chatty.py").write_text(CHATTY)

    with served("chatty:app", log=Path("api.log"), port=0, output=Path("output")) as api:
        assert httpx.get(f"{api.address}/ours").status_code == 200


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def app():\n    raise RuntimeError('no DATABASE_URL')", "RuntimeError: no DATABASE_URL"),
        ("import sys\nsys.exit('no configuration')", "SystemExit: no configuration"),
        ("app = 5", "is a int that cannot be called"),
    ],
)
def test_application_that_cannot_be_made_is_no_defect_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.py").write_text(text)

    with (
        pytest.raises(TargetError, match=reason),
        served("broken:app", log=Path("api.log"), port=0, output=Path("output")),
    ):
        pass
