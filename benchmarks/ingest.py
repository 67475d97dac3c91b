"""Lines per second into the database, against GoAccess over the same file.

`python benchmarks/ingest.py [--lines 300000] [--rounds 5]`. GoAccess (apt-get install goaccess)
counts six fields and stores nothing; we store and summarise everything. Interleaved, medians.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import native_log

GOACCESS_FORMAT = (
    '{"timestamp":"%dT%t.%^","method":"%m","url":"%U","status_code":"%s","client_ip":"%h",'
    '"response_bytes":"%b","user_agent":"%u"}'
)
LIMIT = 1.5


def ours(log: Path, folder: Path) -> list[str]:
    for path in folder.glob("traffic.db*"):
        path.unlink()
    command = [sys.executable, "-m", "perfectcv_traffic", "ingest", str(log)]
    return [*command, "--db", str(folder / "traffic.db")]


def goaccess(log: Path, folder: Path) -> list[str]:
    return [
        "goaccess", str(log), "--no-global-config", "--no-progress",
        f"--log-format={GOACCESS_FORMAT}", "--date-format=%Y-%m-%d", "--time-format=%T",
        "-o", str(folder / "report.json"),
    ]  # fmt: skip


def timed(command: list[str]) -> tuple[float, float]:
    """Wall and CPU seconds of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    rivals = {"perfectcv-traffic": ours, "goaccess": goaccess}
    if not shutil.which("goaccess"):
        del rivals["goaccess"]
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        log = folder / "api_traffic.log"
        native_log.write(log, options.lines, 1)
        print(f"{options.lines} lines of {log.stat().st_size // options.lines} bytes")
        times: dict[str, list[tuple[float, float]]] = {rival: [] for rival in rivals}
        for _ in range(options.rounds):
            for rival, command in rivals.items():
                times[rival].append(timed(command(log, folder)))
    report(times, options.lines)


def report(times: dict[str, list[tuple[float, float]]], lines: int) -> None:
    speeds = {}
    for rival, taken in times.items():
        wall = statistics.median(wall for wall, _ in taken)
        cpu = statistics.median(cpu for _, cpu in taken)
        speeds[rival] = lines / wall
        print(f"{rival}: {wall:.2f} s wall, {cpu:.2f} s CPU, {lines / wall:,.0f} lines/s")
    if "goaccess" in speeds:
        ratio = speeds["perfectcv-traffic"] / speeds["goaccess"]
        print(f"ratio {ratio:.2f}, limit {LIMIT}: {'holds' if ratio >= LIMIT else 'BROKEN'}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"peak memory of any process {peak:.0f} MB; load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
