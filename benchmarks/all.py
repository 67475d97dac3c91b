"""Run every benchmark and write what it said into the table of README.md.

Usage: python benchmarks/all.py [script ...]

They run one after the other, each as its own docstring says; all of them take about an hour. A
benchmark that fails, or lacks another program, keeps its last result, and all.py ends with 1.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE / "README.md"
ROW = re.compile(
    r"^\| `(?P<script>\w+\.py)` \| (?P<question>.*?) \| .* \| (?P<aim>[^|]*) \|$", re.MULTILINE
)


def main(chosen: list[str]) -> int:
    """Run the chosen benchmarks, or all that the table has; returns the exit code."""
    page = PAGE.read_text("utf-8")
    scripts = chosen or [row["script"] for row in ROW.finditer(page)]
    failed = 0
    for script in scripts:
        print(f"== {script}", flush=True)
        done = subprocess.run(
            [sys.executable, HERE / script], capture_output=True, text=True, check=False
        )
        print(done.stdout, done.stderr[-2000:], sep="", flush=True)
        failed += done.returncode != 0
        if done.returncode == 0:
            PAGE.write_text(updated(PAGE.read_text("utf-8"), script, done.stdout), "utf-8")
    return int(failed > 0)


def updated(page: str, script: str, output: str) -> str:
    """The page with another result of one script, and where and when it was measured."""

    def row(found: re.Match[str]) -> str:
        if found["script"] != script:
            return found[0]
        return f"| `{script}` | {found['question']} | {result(output)} | {found['aim']} |"

    return ROW.sub(row, page)


def result(output: str) -> str:
    """What was printed, in one cell, with the date and the machine."""
    lines = [" ".join(line.split()).replace("|", "/") for line in output.splitlines()]
    told = "<br>".join(line for line in lines if line)
    return f"{told}<br>({datetime.now(UTC):%Y-%m-%d}, {machine()})"


def machine() -> str:
    """The processor, its cores, how busy they were, and the Python."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file() and (found := re.search(r"model name\s*: (.*)", cpuinfo.read_text())):
        model = found[1]
    load = f", load {os.getloadavg()[1]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{model}, {os.cpu_count()} cores{load}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
