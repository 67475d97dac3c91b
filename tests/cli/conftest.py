"""Running the program as a person does: a process of its own, in an empty directory."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perfectcv_traffic.demo.process import served

Program = Callable[..., subprocess.CompletedProcess[str]]

COMMAND = [sys.executable, "-m", "perfectcv_traffic"]


def environment() -> dict[str, str]:
    """The environment without settings of ours, in a terminal-less width of 80."""
    clean = {key: value for key, value in os.environ.items() if "PERFECTCV" not in key}
    return {**clean, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}


@pytest.fixture(name="program")
def _program(tmp_path: Path) -> Program:
    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=tmp_path,
            env={**environment(), **variables},
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=120,
        )

    return run


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[str]:
    """Address of the demo API, which records to `api_traffic.log`."""
    log, output = tmp_path / "api_traffic.log", tmp_path / "server.txt"
    with served(None, log=log, port=0, output=output) as api:
        yield api.address
