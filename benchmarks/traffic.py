"""Traffic mode against locust (FastHttpUser), hey and wrk; for `generate.py traffic`.

Every tool runs on one core, the server on the other, all in turn within one round, so that what
else the machine does hits all of them; medians over the rounds. All keep the same number of
connections open and send the same headers, those of ours: under h11 a header more costs the server
2 µs of about 180. `bare` is a server that answers faster than any of the clients sends; `fastapi`
is what people test. CPU includes a tool's start.

Then half of the most that the FastAPI server can do, at an endpoint whose answer takes a time drawn
from a fixed log-normal distribution, 10 to 200 ms, so that the percentiles are a property of the
server and not of when a client's requests arrive. wrk and hey know no rate: both get as many
connections as come to it, and ours is asked for the rate that wrk had in that round.
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
from random import Random
from typing import Any

import target_server

CLIENT_CORE, SERVER_CORE = 0, 1
SECONDS = 5
USERS = 16
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
"""What wrk's units are in milliseconds."""
QUANTILES = ("p50", "p75", "p90", "p95", "p99")
MANY_CONNECTIONS = 600
"""With these the server is the limit at an endpoint that waits."""
HEADERS = {
    "User-Agent": "perfectcv-traffic/0.1.0",
    "X-Request-ID": "0123456789ab-12345",
    "X-Traffic-Run": "0123456789ab",
    "X-Traffic-Scenario": "valid",
}
"""What ours sends beside Host; given to the others too."""
LOCUST_FILE = """
from locust import FastHttpUser, task

class User(FastHttpUser):
    @task
    def read(self):
        self.client.get("/items", headers=%r)
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
    return Measured(run["rate"], cpu / run["sent"] * 1e6)


def _locust(address: str) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "locustfile.py").write_text(LOCUST_FILE % HEADERS)
        options = f"--headless -u {USERS} -r {USERS} -t {SECONDS}s -H {address} --json"
        command = [sys.executable, "-m", "locust", *options.split()]
        output, cpu = _run(command, folder)
    (total,) = json.loads(output)
    seconds = total["last_request_timestamp"] - total["start_time"]
    return Measured(total["num_requests"] / seconds, cpu / total["num_requests"] * 1e6)


def _hey(address: str) -> Measured:
    output, cpu = _hey_at(f"{address}/items", USERS)
    requests = int(re.findall(r"\[200\]\s+(\d+) responses", output)[0])
    return Measured(_rate(output), cpu / requests * 1e6)


def _wrk(address: str) -> Measured:
    output, cpu = _wrk_at(f"{address}/items", USERS)
    return Measured(_rate(output), cpu / int(re.findall(r"(\d+) requests in", output)[0]) * 1e6)


def _wrk_at(url: str, connections: int) -> tuple[str, float]:
    options = ["--latency", "-t1", f"-c{connections}", f"-d{SECONDS}s", *_headers()]
    return _run(["wrk", *options, url])


def _hey_at(url: str, connections: int) -> tuple[str, float]:
    return _run(["hey", "-z", f"{SECONDS}s", "-c", str(connections), *_headers(), url])


def _headers() -> list[str]:
    return [part for name, value in HEADERS.items() for part in ("-H", f"{name}: {value}")]


def _rate(output: str) -> float:
    return float(re.findall(r"Requests/sec:\s+([\d.]+)", output)[0])


def _compare_at_half(address: str, rounds: int) -> None:
    url = f"{address}/drawn"
    most = _median(_rate(_wrk_at(url, MANY_CONNECTIONS)[0]) for _ in range(rounds))
    mean = statistics.fmean(map(target_server.drawn, [Random(1)] * 100_000))
    connections = round(most / 2 * mean)
    found: dict[str, list[dict[str, float]]] = {"perfectcv-traffic": [], "wrk": [], "hey": []}
    for _ in range(rounds):
        found["wrk"].append(_wrk_times(_wrk_at(url, connections)[0]))
        asked = found["wrk"][-1]["rate"]
        found["perfectcv-traffic"].append(_our_times(address, asked))
        found["hey"].append(_hey_times(_hey_at(url, connections)[0]))
    print(f"\nfastapi /drawn: at most {most:,.0f}/s (wrk); {connections} connections")
    for name, runs in found.items():
        known = [key for key in QUANTILES if key in runs[0]]
        times = ", ".join(f"{key} {_median(one[key] for one in runs):.1f} ms" for key in known)
        print(f"{name:20} {_median(one['rate'] for one in runs):8,.1f}/s  {times}", flush=True)
    kept = (one["rate"] / one["asked"] for one in found["perfectcv-traffic"])
    print(f"rate achieved of rate asked for: {_median(kept):.4f}")


def _our_times(address: str, rate: float) -> dict[str, float]:
    options = f"--rate {rate} --duration {SECONDS} --scenario valid --include drawn"
    run, _ = _generate(address, options)
    times: dict[str, float] = run["response_ms"]
    return times | {"rate": run["rate"], "asked": rate}


def _wrk_times(output: str) -> dict[str, float]:
    times = {
        f"p{share}": float(time) * UNITS[unit]
        for share, time, unit in re.findall(r"(\d+)%\s+([\d.]+)(us|ms|s)", output)
    }
    return times | {"rate": _rate(output)}


def _hey_times(output: str) -> dict[str, float]:
    times = {
        f"p{share}": float(time) * 1000
        for share, time in re.findall(r"(\d+)%+ in ([\d.]+)", output)
    }
    return times | {"rate": _rate(output)}


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
