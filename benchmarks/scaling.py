"""Time folding logs: one process, two, a Dask cluster on the same cores; logs of several lengths.

Usage: python benchmarks/scaling.py [--lines 1000000] [--rounds 3] [--lengths 100000,1000000,...]
       python benchmarks/scaling.py --paper 4.5    # ten terabytes a day at so many CPU s a million

The ways take turns on one log, so that whatever else the machine does slows all of them alike. What
two processes would gain if nothing else ran is told by their CPU time too: on a busy machine that
is the better figure. Then logs of several lengths are folded by two processes, and what a million
lines take of each is held against the shortest: how time and memory grow is fitted as a power of
the length, and as a straight line. Peak memory is the kernel's, of the largest worker. Long logs
repeat a million lines under other ids and on later days. All of it takes about five minutes.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import math
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from native_log import write

DAYS_PER_MILLION = 7
JOBS = 2
TWO = f"{JOBS} processes"
REPEATED = 1_000_000
"""Lines that are made one by one; longer logs repeat them."""

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
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
own, workers = (one.ru_utime + one.ru_stime for one in used)
cpu = {"cpu": own + workers, "worker_cpu": workers}
print(json.dumps({"lines": part.recorded, "seconds": seconds, **cpu, **peak}))
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
    """A scheduler and a worker for each core, all asleep: its address, and their process ids."""
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
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        yield address, [process.pid for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()


@contextmanager
def awake(processes: list[int]) -> Iterator[None]:
    """A cluster that waits is not idle: outside of its turn it takes the cores from the others."""
    for process in processes:
        os.kill(process, signal.SIGCONT)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGSTOP)


def on_cluster(address: str, processes: list[int], log: Path) -> Measured:
    """Folded by a cluster that is awake only meanwhile."""
    with awake(processes):
        return measured(CLUSTER, address, str(log))


def peak_of(process: int) -> float:
    """The most memory that a process has had, in MB."""
    status = Path(f"/proc/{process}/status").read_text().split("VmHWM:")[1]
    return int(status.split()[0]) / 1024


def compare(folder: Path, lines: int, rounds: int) -> None:
    """The ways to fold one log, taking turns."""
    log = folder / "compared.log"
    write(log, lines, lines / 1e6 * DAYS_PER_MILLION)
    with dask(folder) as (address, processes):
        ways: dict[str, Callable[[], Measured]] = {
            "one process": lambda: measured(FOLD, "1", str(log)),
            TWO: lambda: measured(FOLD, str(JOBS), str(log)),
            f"Dask, {JOBS} workers": lambda: on_cluster(address, processes, log),
        }
        found = take_turns(ways, rounds)
        peaks = [found[TWO][0]["worker"], *map(peak_of, processes[1:])]
    log.unlink()
    one, several, cluster = (statistics.median(m["seconds"] for m in f) for f in found.values())
    for name, seconds in zip(found, (one, several, cluster), strict=True):
        print(f"{name:18} {seconds:7.2f} s  {lines / seconds:12,.0f} lines/s")
    print(f"{JOBS} processes: {one / several:.2f} times one (aim 1.7)")
    cpu_of_one, cpu, in_workers = (
        statistics.median(m[what] for m in found[way])
        for way, what in (("one process", "cpu"), (TWO, "cpu"), (TWO, "worker_cpu"))
    )
    print(
        f"CPU: {cpu_of_one:.2f} s in one process, {in_workers:.2f} s in {JOBS} workers and"
        f" {cpu - in_workers:.2f} s where results meet: {cpu_of_one / (cpu / JOBS):.2f} times one"
        " if nothing else ran"
    )
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
        write_long(log, lines)
        found.append(measured(FOLD, str(JOBS), str(log)))
        log.unlink()
        one = found[-1]
        print(
            f"{lines:>12,} lines {one['seconds']:8.2f} s {one['cpu'] / lines * 1e6:6.2f} CPU s per"
            f" million; peak {one['own']:5.0f} MB, per worker {one['worker']:5.0f} MB",
            flush=True,
        )
    if len(found) == 1:  # no line through one point
        return
    for name in ("seconds", "cpu", "own", "worker"):
        values = [one[name] for one in found]
        per_line = [value / lines for value, lines in zip(values, lengths, strict=True)]
        ratios = ", ".join(f"{one / per_line[0]:.2f}" for one in per_line)
        print(
            f"{name}: lines^{exponent(lengths, values):.2f}; {line_through(lengths, values)};"
            f" per line against the shortest: {ratios}"
        )


def write_long(path: Path, lines: int) -> None:
    """A log of any length: after a million lines they come again, a week later each time."""
    write(path, min(lines, REPEATED), min(lines, REPEATED) / 1e6 * DAYS_PER_MILLION)
    with path.open("rb") as source, path.open("ab") as target:
        for number in range(REPEATED, lines, REPEATED):
            source.seek(0)
            left, weeks = min(lines - number, REPEATED), number // REPEATED
            while left and (some := list(itertools.islice(source, min(left, 20_000)))):
                target.write(_later(b"".join(some), weeks))
                left -= len(some)


def _later(lines: bytes, weeks: int) -> bytes:
    """The same lines, written by another process some weeks later."""

    @functools.cache
    def moved(day: bytes) -> bytes:
        later = date.fromisoformat(day.decode()) + timedelta(days=weeks * DAYS_PER_MILLION)
        return later.isoformat().encode()

    dated = _TIME.sub(lambda found: found[1] + moved(found[2]), lines)
    return _WRITER.sub(lambda found: found[1] + b"%016x" % weeks, dated)


_TIME = re.compile(rb'("timestamp":")(\d{4}-\d\d-\d\d)')
_WRITER = re.compile(rb'("event_id":")[0-9a-f]{16}')


def on_paper(cost: float, terabytes: float = 10, line: int = 789, cores: int = 16) -> list[str]:
    """What a fleet's logs of a day take, if a million lines cost so many CPU seconds to fold."""
    lines = terabytes * 1e12 / line
    core_seconds = lines / 1e6 * cost
    rate = line * 1e6 / cost
    pieces = terabytes * 1e12 / 268_435_456
    return [
        f"{lines / 1e6:,.0f} million lines of {line} bytes, {lines / 86_400:,.0f} a second",
        f"{core_seconds / 3600:.1f} core hours; {core_seconds / 86_400:.2f} cores keep up",
        f"{cores} cores take {core_seconds / cores / 60:.0f} minutes",
        f"a core reads {rate / 1e6:.0f} MB/s, {cores} of them {rate * cores / 1e9:.1f} GB/s",
        f"{pieces:,.0f} pieces of 256 MiB, each {cost * 268_435_456 / line / 1e6:.1f} s",
        f"{core_seconds / 3600 * 0.05:.2f} a day at 0.05 a core hour",
    ]


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
    parser.add_argument("--paper", type=float, help="CPU s a million lines: compute, measure not")
    options = parser.parse_args()
    if options.paper:
        print(*on_paper(options.paper), sep="\n")
        return
    os.environ["PYTHONWARNINGS"] = "ignore"
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        compare(Path(name), options.lines, options.rounds)
        lengths = [int(one) for one in options.lengths.split(",") if one]
        if lengths:
            grow(Path(name), lengths)


if __name__ == "__main__":
    main()
