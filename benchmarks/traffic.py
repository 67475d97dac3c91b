"""Traffic mode against locust (FastHttpUser), hey and wrk; for `generate.py traffic`.

Every tool runs on one core, the server on the other, all in turn within one round, so that what
else the machine does hits all of them; medians over the rounds. `bare` is a server that answers
faster than any of the clients sends; `fastapi` is what people test. CPU includes a tool's start.

Then half of the most that the FastAPI server can do, at a constant rate, on an endpoint that takes
5 ms: the rate achieved, and the percentiles of the time from sending to answer, beside those of wrk
and hey. wrk knows no rate: it gets as many connections as come to the same rate. hey's workers send
all at once, once in a while, so that its answers wait for each other.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import target_server

CLIENT_CORE, SERVER_CORE = 0, 1
SECONDS = 5
USERS = 16
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
"""What wrk's units are in milliseconds."""
QUANTILES = ("p50", "p75", "p90", "p95")
LOCUST_FILE = """
from locust import FastHttpUser, task

class User(FastHttpUser):
    @task
    def read(self):
        self.client.get("/items")
"""


@dataclass(frozen=True)
class Measured:
    """One run of one tool."""

    rate: float
    cpu_us: float
    """CPU microseconds per request."""


def compare(rounds: int) -> None:
    for kind in ("bare", "fastapi"):
        with target_server.started(kind, core=SERVER_CORE) as address:
            _print_rates(kind, _rates(address, rounds))
    with target_server.started("fastapi", core=SERVER_CORE) as address:
        _compare_at_half(address, rounds)


def _rates(address: str, rounds: int) -> dict[str, list[Measured]]:
    tools = {name: tool for name, tool in TOOLS.items() if shutil.which(name) or name in OWN}
    found: dict[str, list[Measured]] = {name: [] for name in tools}
    for _ in range(rounds):
        for name, tool in tools.items():
            found[name].append(tool(address))
    return found


def _print_rates(kind: str, found: dict[str, list[Measured]]) -> None:
    print(
        f"\n{kind}: {USERS} connections, {SECONDS} s, median of {len(found['perfectcv-traffic'])}"
    )
    print(f"{'tool':20} {'requests/s':>10} {'CPU µs/request':>15}")
    for name, runs in found.items():
        rate, cpu = _median(one.rate for one in runs), _median(one.cpu_us for one in runs)
        print(f"{name:20} {rate:10,.0f} {cpu:15.1f}", flush=True)


def _ours(address: str) -> Measured:
    options = f"--duration {SECONDS} --concurrency {USERS} --scenario valid --include items"
    run, cpu = _generate(address, options)
    return Measured(run["sent"] / run["seconds"], cpu / run["sent"] * 1e6)


def _locust(address: str) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "locustfile.py").write_text(LOCUST_FILE)
        options = f"--headless -u {USERS} -r {USERS} -t {SECONDS}s -H {address} --json"
        command = [sys.executable, "-m", "locust", *options.split()]
        output, cpu = _run(command, folder)
    (total,) = json.loads(output)
    seconds = total["last_request_timestamp"] - total["start_time"]
    return Measured(total["num_requests"] / seconds, cpu / total["num_requests"] * 1e6)


def _hey(address: str) -> Measured:
    output, cpu = _run(["hey", "-z", f"{SECONDS}s", "-c", str(USERS), f"{address}/items"])
    requests = int(re.findall(r"\[200\]\s+(\d+) responses", output)[0])
    rate = float(re.findall(r"Requests/sec:\s+([\d.]+)", output)[0])
    return Measured(rate, cpu / requests * 1e6)


def _wrk(address: str) -> Measured:
    requests, rate, cpu = _wrk_at(f"{address}/items", USERS)
    return Measured(rate, cpu / requests * 1e6)


def _wrk_at(url: str, connections: int) -> tuple[int, float, float]:
    output, cpu = _run(["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", url])
    requests = int(re.findall(r"(\d+) requests in", output)[0])
    return requests, float(re.findall(r"Requests/sec:\s+([\d.]+)", output)[0]), cpu


def _compare_at_half(address: str, rounds: int) -> None:
    url = f"{address}/wait"
    most = _median(_wrk_at(url, 256)[1] for _ in range(rounds))
    rate = round(most / 2)
    workers = max(1, round(rate * target_server.WAIT_SECONDS * 3))
    ours: list[dict[str, float]] = []
    heys: list[dict[str, float]] = []
    wrks: list[dict[str, float]] = []
    for _ in range(rounds):
        run, _ = _generate(
            address, f"--rate {rate} --duration {SECONDS} --scenario valid --include wait"
        )
        ours.append(run["service_ms"] | {"rate": run["sent"] / run["seconds"]})
        connections = max(1, round(rate * ours[-1]["p50"] / 1000))
        wrks.append(_wrk_times(url, connections))
        heys.append(_hey_at(url, rate, workers))
    print(f"\nfastapi /wait: at most {most:,.0f} requests/s (wrk); asked for {rate:,}/s")
    tools = {"perfectcv-traffic": ours, f"wrk -c{connections}": wrks, f"hey -c {workers}": heys}
    for name, runs in tools.items():
        known = [key for key in QUANTILES if key in runs[0]]
        times = ", ".join(f"{key} {_median(one[key] for one in runs):.2f} ms" for key in known)
        print(f"{name:20} {_median(one['rate'] for one in runs):8,.1f}/s  {times}", flush=True)


def _wrk_times(url: str, connections: int) -> dict[str, float]:
    output, _ = _run(["wrk", "--latency", "-t1", f"-c{connections}", f"-d{SECONDS}s", url])
    times = {
        f"p{share}": float(time) * UNITS[unit]
        for share, time, unit in re.findall(r"(\d+)%\s+([\d.]+)(us|ms|s)", output)
    }
    return times | {"rate": float(re.findall(r"Requests/sec:\s+([\d.]+)", output)[0])}


def _hey_at(url: str, rate: int, workers: int) -> dict[str, float]:
    each = f"{rate / workers:.3f}"
    output, _ = _run(["hey", "-z", f"{SECONDS}s", "-c", str(workers), "-q", each, url])
    times = {
        f"p{share}": float(time) * 1000
        for share, time in re.findall(r"(\d+)%+ in ([\d.]+)", output)
    }
    return times | {"rate": float(re.findall(r"Requests/sec:\s+([\d.]+)", output)[0])}


def _generate(address: str, options: str) -> tuple[dict[str, Any], float]:
    """The report of one run of the command, and its CPU seconds."""
    command = [sys.executable, "-m", "perfectcv_traffic", "generate", address, *options.split()]
    with tempfile.TemporaryDirectory() as folder:
        _, cpu = _run([*command, "--format", "json", "--output", "run.json"], folder)
        run: dict[str, Any] = json.loads(Path(folder, "run.json").read_text())
    return run, cpu


def _run(command: list[str], folder: str | None = None) -> tuple[str, float]:
    """The output of a command on the client's core, and its CPU seconds."""
    pinned = ["taskset", "-c", str(CLIENT_CORE), *command]
    before = os.times()
    done = subprocess.run(pinned, cwd=folder, capture_output=True, text=True, check=True)
    after = os.times()
    used = after.children_user + after.children_system
    return done.stdout, used - before.children_user - before.children_system


def _median(figures: Iterable[float]) -> float:
    return statistics.median(figures)


OWN = ("perfectcv-traffic", "locust")
TOOLS: dict[str, Callable[[str], Measured]] = {
    "perfectcv-traffic": _ours,
    "locust": _locust,
    "hey": _hey,
    "wrk": _wrk,
}

if __name__ == "__main__":
    compare(3)
