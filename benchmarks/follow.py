"""How soon is a written line in the database, and what does waiting for it cost?

`python benchmarks/follow.py [--lines 1000] [--idle 10]`: lines one by one at uneven intervals, then
idle seconds.
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import native_log

LIMIT_SECONDS = 0.5
LIMIT_CPU = 0.02


def cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--idle", type=float, default=10, help="seconds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        log, db = Path(name) / "api_traffic.log", Path(name) / "traffic.db"
        log.touch()
        command = [sys.executable, "-m", "perfectcv_traffic", "ingest", "--follow"]
        with subprocess.Popen([*command, str(log), "--db", str(db)]) as process:
            while not db.with_name(db.name + ".id").exists():
                time.sleep(0.05)
            latencies = sorted(measure(log, db, options.lines))
            before = cpu_seconds(process.pid)
            time.sleep(options.idle)
            idle = (cpu_seconds(process.pid) - before) / options.idle
            process.terminate()
    median, last = latencies[options.lines // 2], latencies[options.lines * 99 // 100]
    print(f"written to readable: median {median:.3f} s, p99 {last:.3f} s, limit {LIMIT_SECONDS} s")
    print(f"idle: {idle:.2%} of a core, limit {LIMIT_CPU:.0%}")


def measure(log: Path, db: Path, lines: int) -> list[float]:
    """Seconds from each write until another connection sees the row."""
    chance = random.Random(3)
    connection = sqlite3.connect(f"{db.as_uri()}?mode=ro", uri=True)
    found = []
    with log.open("ab", buffering=0) as file:
        for number, record in enumerate(native_log.records(lines, 1), 1):
            time.sleep(chance.uniform(0, 0.05))
            started = time.perf_counter()
            file.write(msgspec.json.encode(record) + b"\n")
            while connection.execute("SELECT count(*) FROM api_requests").fetchone()[0] < number:
                time.sleep(0.002)
            found.append(time.perf_counter() - started)
    connection.close()
    return found


if __name__ == "__main__":
    main()
