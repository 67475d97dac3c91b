"""What recording costs, beside what other monitors of FastAPI cost, in one interleaved run.

    pip install -e '.[benchmark]'
    python benchmarks/recorder.py [--rounds 60] [--paced 12] [--variants "bare;recorder;..."]

Apitally 0.x cannot be installed beside 1.x; with an interpreter of its own it takes part, too:

    python -m venv /tmp/apitally-0
    /tmp/apitally-0/bin/pip install 'apitally[fastapi]<1' fastapi==VERSION uvicorn==VERSION
    python benchmarks/recorder.py --apitally-0 /tmp/apitally-0/bin/python

Every variant is a uvicorn worker of its own on the first core, with its child processes; the load
comes from the second. They take turns in short chunks, so that whatever else the machine does hits
all alike; the figures are medians over the rounds, ratios those of two chunks of one round. CPU is
what the scheduler charged to all threads of the worker, and apart from that to its child processes
(from one turn to the next, so work done after the responses counts). p99 is the median of those of
`--paced` seconds at a constant rate, which take turns as well.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, cast

RECORDER: dict[str, dict[str, Any]] = {
    "recorder": {},
    "recorder, no ingester": {"ingest": "off"},
    "recorder in a thread": {"ingest": "off", "composing": "thread"},
}
VARIANTS = ("bare", *RECORDER, "prometheus", "opentelemetry", "apitally")
APITALLY_0 = {"apitally 0.x": 100, "apitally 0.x, every request kept": 100_000}
"""How many requests a second it keeps; 100 is its own limit, the rest it only counts."""
WARM_UP_SECONDS = 6.0
"""Child processes are started a second after the first request, and take as long to start."""
SETTLE_SECONDS = 30.0
"""At most so long child processes may take for what is left when a measurement is to begin."""
CHUNK_SECONDS = 0.2
CONNECTIONS = 8
PACE = 1000
PACED_SECONDS = 1.0
PACED_TURNS = 12

DOCUMENT = json.dumps({
    "user": {"id": 7, "name": "Ann Example", "email": "ann@example.com", "phone": None},
    "password": "correct horse battery staple",
    "title": "Senior data engineer",
    "skills": ["python", "sql", "spark", "kafka", "airflow", "terraform", "kubernetes"],
    "positions": [
        {
            "company": f"Company {number}",
            "from": f"20{number + 10}-01",
            "to": f"20{number + 11}-12",
            "remote": number % 2 == 0,
            "summary": "Built and ran pipelines that moved forty terabytes a day. " * 4,
        }
        for number in range(5)
    ],
}).encode()  # fmt: skip
"""Two kilobytes of JSON with a secret and a null."""

REQUESTS = {
    "GET": b"GET /items/7?full=1 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench/1\r\n"
    b"Accept: */*\r\nAuthorization: Bearer 0123456789abcdef0123456789abcdef\r\n\r\n",
    "POST": b"POST /items HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench/1\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(DOCUMENT), DOCUMENT),
}


def application(variant: str) -> Any:
    """The application under test with a monitor around it."""
    from fastapi import FastAPI

    app = FastAPI()

    @app.get("/items/{key}")
    async def get(key: int, full: bool = False) -> dict[str, Any]:
        return {"key": key, "full": full, "name": "thing", "tags": ["a", "b"], "owner": None}

    @app.post("/items")
    async def post(body: dict[str, Any]) -> dict[str, Any]:
        return {"stored": len(body)}

    instrument(app, variant)
    return app


def instrument(app: Any, variant: str) -> None:
    if variant in RECORDER:
        from perfectcv_traffic import setup_monitoring

        directory = tempfile.mkdtemp()
        log, db = f"{directory}/api_traffic.log", f"{directory}/traffic_monitor.db"
        setup_monitoring(app, log=log, db=db, **RECORDER[variant])
    elif variant == "prometheus":
        from prometheus_fastapi_instrumentator import Instrumentator

        Instrumentator().instrument(app).expose(app)
    elif variant == "opentelemetry":
        from opentelemetry import trace
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import (
            BatchSpanProcessor,
            SpanExporter,
            SpanExportResult,
        )

        class Discard(SpanExporter):  # type: ignore[misc,unused-ignore]
            def export(self, spans: Any) -> Any:  # noqa: ARG002 - the interface
                return SpanExportResult.SUCCESS

        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(Discard()))
        trace.set_tracer_provider(provider)
        FastAPIInstrumentor.instrument_app(app)
    elif variant == "apitally":
        instrument_apitally(app)
    elif variant in APITALLY_0:
        instrument_apitally_0(app, APITALLY_0[variant])


def instrument_apitally(app: Any) -> None:
    """Apitally with bodies on, its collector unreachable."""
    from apitally.fastapi import init

    init(
        app,
        write_token="apt_" + "a" * 24,
        otlp_endpoint="http://127.0.0.1:9",
        capture_request_headers=True,
        capture_request_body=True,
        capture_response_body=True,
        capture_logs=False,
    )


def instrument_apitally_0(app: Any, kept: int) -> None:
    """Apitally before 1.0 with bodies on, of `kept` requests a second."""
    os.environ["APITALLY_HUB_BASE_URL"] = "http://127.0.0.1:9"
    from apitally.client import request_logging
    from apitally.fastapi import ApitallyMiddleware

    request_logging.MAX_REQUESTS_IN_DEQUE = kept

    app.add_middleware(
        ApitallyMiddleware,
        client_id="00000000-0000-4000-8000-000000000000",
        env="dev",
        enable_request_logging=True,
        log_request_headers=True,
        log_request_body=True,
        log_response_body=True,
    )


def serve(variant: str) -> None:
    """The child: serve on a free port, told on stdout, until the parent is gone."""
    import threading

    import uvicorn

    os.sched_setaffinity(0, {0})
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        application(variant), log_level="critical", access_log=False, timeout_keep_alive=600
    )
    server = uvicorn.Server(config)

    def watch() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=watch, daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    server.run(sockets=[listener])


class Worker:
    """One variant's server process and the connections to it."""

    def __init__(self, variant: str, python: str = sys.executable) -> None:
        self.variant = variant
        command = [python, __file__, "--serve", variant]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.sockets: list[socket.socket] = []

    def connect(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                self.sockets = [
                    socket.create_connection(("127.0.0.1", self.port)) for _ in range(CONNECTIONS)
                ]
                break
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        for connection in self.sockets:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def cpu(self) -> tuple[float, float]:
        """Seconds of CPU that the worker and its children have used so far."""
        children = Path(f"/proc/{self.process.pid}/task")
        kids = [
            int(pid)
            for task in children.iterdir()
            for pid in (task / "children").read_text().split()
        ]
        return cpu_of(self.process.pid), sum(map(cpu_of, kids))

    def saturate(self, request: bytes) -> tuple[int, float]:
        """Requests answered in one chunk, each connection always waiting for an answer."""
        for connection in self.sockets:
            connection.sendall(request)
        count, start = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - start) < CHUNK_SECONDS:
            for connection in self.sockets:
                answer(connection)
                connection.sendall(request)
                count += 1
        for connection in self.sockets:
            answer(connection)
        return count, elapsed

    def pace(self, request: bytes) -> list[float]:
        """Milliseconds from when each of a steady stream of requests was due to its answer."""
        latencies: list[float] = []
        free, due = list(self.sockets), {}
        waiting: list[float] = []
        selector = selectors.DefaultSelector()
        for connection in self.sockets:
            selector.register(connection, selectors.EVENT_READ)
        start, sent = time.perf_counter(), 0
        total = int(PACE * PACED_SECONDS)
        while len(latencies) < total:
            now = time.perf_counter()
            while sent < total and start + sent / PACE <= now:
                waiting.append(start + sent / PACE)
                sent += 1
            while waiting and free:
                connection = free.pop()
                due[connection] = waiting.pop(0)
                connection.sendall(request)
            for key, _ in selector.select(max(0.0, min(start + sent / PACE - now, 0.001))):
                connection = cast("socket.socket", key.fileobj)
                answer(connection)
                latencies.append((time.perf_counter() - due.pop(connection)) * 1000)
                free.append(connection)
        selector.close()
        return latencies

    def stop(self) -> None:
        for connection in self.sockets:
            connection.close()
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


def answer(connection: Any) -> None:
    """Read one small answer; it comes in one or two pieces."""
    received = connection.recv(65_536)
    while True:
        head, end, body = received.partition(b"\r\n\r\n")
        if end:
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            if len(body) >= length:
                return
        more = connection.recv(65_536)
        if not more:
            raise ConnectionError("the server closed")
        received += more


def cpu_of(pid: int) -> float:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
    except OSError:
        return 0.0


def settle(workers: list[Worker]) -> None:
    """Wait until no child has anything left to do: it would be charged to what comes now."""
    deadline = time.monotonic() + SETTLE_SECONDS
    used = [worker.cpu()[1] for worker in workers]
    while time.monotonic() < deadline:
        time.sleep(1.5)
        before, used = used, [worker.cpu()[1] for worker in workers]
        if all(now - then < 0.02 for then, now in zip(before, used, strict=True)):
            return


def measure(
    workers: list[Worker], method: str, rounds: int, paced: int
) -> dict[str, dict[str, float]]:
    """Medians per variant: requests per second, CPU per request, latency."""
    request = REQUESTS[method]
    rates, own, elsewhere = defaultdict(list), defaultdict(list), defaultdict(list)
    slow: dict[str, list[float]] = defaultdict(list)
    last: dict[str, tuple[int, tuple[float, float]]] = {}
    for turn in range(rounds + 1):
        for worker in workers[turn % len(workers) :] + workers[: turn % len(workers)]:
            cpu = worker.cpu()
            if worker.variant in last:
                count, before = last[worker.variant]
                own[worker.variant].append((cpu[0] - before[0]) / count * 1e6)
                elsewhere[worker.variant].append((cpu[1] - before[1]) / count * 1e6)
            count, seconds = worker.saturate(request)
            last[worker.variant] = count, cpu
            rates[worker.variant].append(count / seconds)
    for turn in range(paced):
        for worker in workers[turn % len(workers) :] + workers[: turn % len(workers)]:
            slow[worker.variant].append(statistics.quantiles(worker.pace(request), n=100)[98])
    return {
        name: {
            "rps": statistics.median(rates[name]),
            "cpu": statistics.median(own[name]),
            "ratio": against(own["bare"], own[name]),
            "elsewhere": statistics.median(elsewhere[name]),
            "whole": against(
                own["bare"], [a + b for a, b in zip(own[name], elsewhere[name], strict=True)]
            ),
            "p99": statistics.median(slow[name]) if paced else math.nan,
        }
        for name in own
    }


def against(bare: list[float], other: list[float]) -> float:
    """The median of the ratios within a round: what slows the machine slows both of a pair."""
    return statistics.median(with_it / alone for alone, with_it in zip(bare, other, strict=True))


def report(method: str, results: dict[str, dict[str, float]]) -> None:
    bare = results["bare"]
    print(f"\n{method}\n")
    print(
        "| | requests/s | CPU µs | added | ratio | in its children | ratio of all processes"
        " | p99 ms at 1,000/s |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for variant, found in results.items():
        cpu = found["cpu"]
        print(
            f"| {variant} | {found['rps']:.0f} | {cpu:.0f} | {cpu - bare['cpu']:+.0f}"
            f" | {found['ratio']:.2f} | {found['elsewhere']:.0f} | {found['whole']:.2f}"
            f" | {found['p99']:.1f} |".replace("nan", "–")
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument(
        "--paced", type=int, default=PACED_TURNS, help="seconds of each for p99, 0: none"
    )
    parser.add_argument("--variants", default=";".join(VARIANTS), help="separated by semicolons")
    parser.add_argument("--apitally-0", metavar="PYTHON", help="interpreter that has Apitally 0.x")
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
    else:
        compare(options)


def compare(options: argparse.Namespace) -> None:
    workers = [Worker(variant) for variant in options.variants.split(";")]
    if options.apitally_0:
        workers += [Worker(variant, options.apitally_0) for variant in APITALLY_0]
    try:
        os.sched_setaffinity(0, {1})
        for worker in workers:
            worker.connect()
        warm = time.monotonic() + WARM_UP_SECONDS
        while time.monotonic() < warm:
            for worker in workers:
                for request in REQUESTS.values():
                    worker.saturate(request)
        for method in REQUESTS:
            settle(workers)
            report(method, measure(workers, method, options.rounds, options.paced))
    finally:
        for worker in workers:
            worker.stop()


if __name__ == "__main__":
    main()
