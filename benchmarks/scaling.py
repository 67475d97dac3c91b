"""Time folding logs: one process, two, a Dask cluster on the same cores; logs of several lengths.

Usage: python benchmarks/scaling.py [--lines 1000000] [--rounds 3] [--lengths 100000,1000000,...]

The ways take turns on one log, so that whatever else the machine does slows all of them alike. Then
logs of several lengths are folded by two processes: how time and memory grow is fitted as a power
of the length, and as a straight line. Peak memory is the kernel's, of the largest worker.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from native_log import write

DAYS_PER_MILLION = 7
JOBS = 2
LIMIT_MB = 200
FOLD = """
import json, resource, sys, time
import os
os.environ["OPENBLAS_NUM_THREADS"] = "1"
from perfectcv_traffic.fold import files, pool, run
started = time.perf_counter()
jobs = int(sys.argv[1])
with pool.workers(jobs) as executor:
    part = run.Run(files.found(sys.argv[2:]), executor, jobs).result()
seconds = time.perf_counter() - started
peak = {name: resource.getrusage(who).ru_maxrss / 1024
        for name, who in (("own", resource.RUSAGE_SELF), ("worker", resource.RUSAGE_CHILDREN))}
print(json.dumps({"lines": part.recorded, "seconds": seconds, **peak}))
"""
CLUSTER = """
import json, sys, time
from perfectcv_traffic.fold import cluster, files, run
with cluster.workers(sys.argv[1]) as (executor, threads):
    started = time.perf_counter()
    part = run.Run(files.found(sys.argv[2:]), executor, threads).result()
    print(json.dumps({"lines": part.recorded, "seconds": time.perf_counter() - started}))
"""

Measured = dict[str, float]


def measured(script: str, *words: str) -> Measured:
    """What a script says of itself."""
    done = subprocess.run(
        [sys.executable, "-c", script, *words], check=True, capture_output=True, text=True
    )
    found: Measured = json.loads(done.stdout)
    return found


@contextmanager
def dask(folder: Path) -> Iterator[tuple[str, list[int]]]:
    """A scheduler and a worker process for each core: its address, and their process ids."""
    file = folder / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host=127.0.0.1"]
    scheduler += ["--port=0", "--dashboard-address=127.0.0.1:0", f"--scheduler-file={file}"]
    processes = [subprocess.Popen(scheduler, **quiet)]  # type: ignore[call-overload]
    try:
        while not (file.exists() and file.read_text()):
            time.sleep(0.05)
        address = json.loads(file.read_text())["address"]
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads=1"]
        worker += ["--no-nanny", "--no-dashboard", f"--local-directory={folder}"]
        processes += [subprocess.Popen(worker, **quiet) for _ in range(JOBS)]  # type: ignore[call-overload]
        wait = "import sys, distributed; distributed.Client(sys.argv[1]).wait_for_workers(2, 120)"
        subprocess.run([sys.executable, "-c", wait, address], check=True, **quiet)  # type: ignore[call-overload]
        yield address, [process.pid for process in processes[1:]]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def peak_of(process: int) -> float:
    """The most memory that a process has had, in MB."""
    status = Path(f"/proc/{process}/status").read_text().split("VmHWM:")[1]
    return int(status.split()[0]) / 1024


def compare(folder: Path, lines: int, rounds: int) -> None:
    """The ways to fold one log, taking turns."""
    log = folder / "compared.log"
    write(log, lines, lines / 1e6 * DAYS_PER_MILLION)
    with dask(folder) as (address, workers):
        ways: dict[str, Callable[[], Measured]] = {
            "one process": lambda: measured(FOLD, "1", str(log)),
            f"{JOBS} processes": lambda: measured(FOLD, str(JOBS), str(log)),
            f"Dask, {JOBS} workers": lambda: measured(CLUSTER, address, str(log)),
        }
        found = take_turns(ways, rounds)
        peaks = [found[f"{JOBS} processes"][0]["worker"], *map(peak_of, workers)]
    log.unlink()
    one, several, cluster = (statistics.median(m["seconds"] for m in f) for f in found.values())
    for name, seconds in zip(found, (one, several, cluster), strict=True):
        print(f"{name:18} {seconds:7.2f} s  {lines / seconds:12,.0f} lines/s")
    print(f"{JOBS} processes: {one / several:.2f} times one (aim 1.7)")
    print(f"Dask: {several / cluster:.2f} of the processes (aim 0.7)")
    print(f"peak memory per worker: {max(peaks):.0f} MB (aim {LIMIT_MB})")


def take_turns(ways: dict[str, Callable[[], Measured]], rounds: int) -> dict[str, list[Measured]]:
    """What each way measured, round by round."""
    found: dict[str, list[Measured]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(way())
    return found


def grow(folder: Path, lengths: Sequence[int]) -> None:
    """Logs of several lengths, folded by two processes."""
    found = []
    for lines in lengths:
        log = folder / "growing.log"
        write(log, lines, lines / 1e6 * DAYS_PER_MILLION)
        found.append(measured(FOLD, str(JOBS), str(log)))
        log.unlink()
        one = found[-1]
        print(
            f"{lines:>12,} lines {one['seconds']:8.2f} s {one['seconds'] / lines * 1e6:6.2f} s per"
            f" million; peak {one['own']:5.0f} MB, per worker {one['worker']:5.0f} MB",
            flush=True,
        )
    for name in ("seconds", "own", "worker"):
        values = [one[name] for one in found]
        print(f"{name}: lines^{exponent(lengths, values):.2f}; {line_through(lengths, values)}")


def exponent(lengths: Sequence[int], values: Sequence[float]) -> float:
    """The power of the length with which something grows: 1 is linear."""
    fit = statistics.linear_regression(list(map(math.log, lengths)), list(map(math.log, values)))
    return fit.slope


def line_through(lengths: Sequence[int], values: Sequence[float]) -> str:
    """A straight line, and how much of the variation it explains."""
    fit = statistics.linear_regression(lengths, values)
    r = statistics.correlation(lengths, values)
    return f"{fit.intercept:.2f} + {fit.slope * 1e6:.2f} per million lines, r² {r * r:.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lengths", default="100000,1000000,3000000,10000000")
    parser.add_argument("--folder", type=Path, help="where there is room: 0.9 GB a million lines")
    options = parser.parse_args()
    os.environ["PYTHONWARNINGS"] = "ignore"
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        compare(Path(name), options.lines, options.rounds)
        lengths = [int(one) for one in options.lengths.split(",") if one]
        if lengths:
            grow(Path(name), lengths)


if __name__ == "__main__":
    main()
