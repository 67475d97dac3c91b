"""Run every benchmark and write what it said into the last table of README.md.

Usage: python benchmarks/all.py [--quick] ["generate.py find" scaling.py ...]

They run one after the other, those of the first table or those named; all of them take about an
hour and a half, and none more than an hour. One that fails, or lacks another program, keeps its
last result, and all.py ends with 1. What people wrote in README.md stays as it is.

`--quick` runs each with sizes that prove nothing, to see that it works, and writes nothing.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE / "README.md"
LONGEST_SECONDS = 3600
QUICK: Mapping[str, Sequence[str]] = {
    "recorder.py": ("--rounds", "2"),
    "ingest.py": ("--lines", "20000", "--rounds", "1"),
    "flat.py": ("--long", "60000"),
    "follow.py": ("--lines", "100", "--idle", "1"),
    "admin.py": ("--rows", "20000", "--calls", "3"),
    "generate.py find": ("1",),
    "generate.py traffic": ("1",),
    "analyze.py": ("20000", "1"),
    "hostile.py": ("500",),
    "scaling.py": ("--lines", "100000", "--rounds", "1", "--lengths", "20000,50000,100000"),
}
"""What makes each short."""

LISTED = re.compile(r"^\| `(\w+\.py(?: \w+)?)` \|", re.MULTILINE)
BEGIN, END = "<!-- all.py writes from here", "<!-- to here -->"
WRITTEN = re.compile(
    rf"(?P<head>{re.escape(BEGIN)}[^\n]*\n\n(?:\|[^\n]*\n){{2}})(?P<rows>.*?)(?P<tail>\n*{END})",
    re.DOTALL,
)


def main() -> int:
    """Run the chosen benchmarks, or all that the page has; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scripts", nargs="*")
    parser.add_argument("--quick", action="store_true", help="small sizes; writes nothing")
    options = parser.parse_args()
    listed = list(dict.fromkeys(LISTED.findall(PAGE.read_text("utf-8"))))
    failed = []
    for script in options.scripts or listed:
        output = said(script, QUICK.get(script, ()) if options.quick else ())
        if output is None:
            failed.append(script)
        elif not options.quick:
            PAGE.write_text(updated(PAGE.read_text("utf-8"), script, output, listed), "utf-8")
    print(f"failed: {', '.join(failed) or 'none'}", flush=True)
    return int(bool(failed))


def said(script: str, sizes: Sequence[str]) -> str | None:
    """What a benchmark printed; None if it failed."""
    name, *words = script.split()
    print(f"== {script} {' '.join(sizes)}".rstrip(), flush=True)
    started = time.monotonic()
    command = [sys.executable, str(HERE / name), *words, *sizes]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS
        )
    except subprocess.TimeoutExpired:
        print(f"   took longer than {LONGEST_SECONDS} s", flush=True)
        return None
    print(done.stdout, done.stderr[-2000:], sep="", end="")
    seconds = time.monotonic() - started
    print(f"   {seconds:.0f} s, exit code {done.returncode}", flush=True)
    return done.stdout if done.returncode == 0 else None


def updated(page: str, script: str, output: str, order: Sequence[str]) -> str:
    """The page with another result of one script; the rows in the order of the first table."""
    found = WRITTEN.search(page)
    if found is None:
        raise SystemExit(f"{PAGE} has no lines {BEGIN} ... {END}: put them back")
    rows = {LISTED.findall(row)[0]: row for row in found["rows"].splitlines() if row}
    rows[script] = f"| `{script}` | {result(output)} | {datetime.now(UTC):%Y-%m-%d}, {machine()} |"
    known = [*order, *(name for name in rows if name not in order)]
    text = "\n".join(rows[name] for name in known if name in rows)
    return page[: found.start()] + found["head"] + text + "\n\n" + END + page[found.end() :]


def result(output: str) -> str:
    """What was printed, in one cell."""
    lines = [" ".join(line.split()).replace("|", "/") for line in output.splitlines()]
    return "<br>".join(line for line in lines if line)


def machine() -> str:
    """The processor, its cores, how busy they were, and the Python."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file() and (found := re.search(r"model name\s*: (.*)", cpuinfo.read_text())):
        model = found[1]
    load = f", load {os.getloadavg()[1]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{model}, {os.cpu_count()} cores{load}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
