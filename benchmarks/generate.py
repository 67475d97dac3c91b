"""What finding defects costs: the command on the seeded target, each run in a process of its own.

    python benchmarks/generate.py [SEEDS]

One line per seed: requests, wall and CPU seconds of the command, defects missed, operations accused
wrongly, and whether a second run on a fresh server wrote the same findings. Seed 0 is the correct
twin.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TESTS = str(Path(__file__).parents[1] / "tests" / "generate")
sys.path.insert(0, TESTS)
PORT = 18_431
"""The same for each run: it stands in the curl lines."""

SERVER = """
import socket, sys, uvicorn
sys.path.insert(0, sys.argv[1])
import seeded
listener = socket.socket(fileno=int(sys.argv[3]))
seed = int(sys.argv[2]) or None
uvicorn.Server(uvicorn.Config(seeded.build(seed), log_level="critical")).run(sockets=[listener])
"""
ARGUMENTS = (
    "--token-env BENCH_TOKEN --low-token-env BENCH_LOW --api-key-env BENCH_KEY"
    " --jwt-secret-env BENCH_SECRET --allow-writes --allow-deletes --slow 0.15"
    " --format json --output found.json"
)


def main() -> None:
    import seeded

    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    # Fixed: the same token makes the same request.
    never = 4_000_000_000
    secrets = {
        "BENCH_TOKEN": seeded.token(exp=never),
        "BENCH_LOW": seeded.token(role="user", exp=never),
        "BENCH_KEY": seeded.KEY,
        "BENCH_SECRET": seeded.SECRET,
    }
    print("seed  requests  wall s  CPU s  missed  wrong  same findings again")
    for seed in range(seeds + 1):
        (found, wall, cpu), (again, _, _) = (measure(seed, secrets) for _ in range(2))
        got = {(one["class"], f"{one['method']} {one['path']}") for one in found["findings"]}
        want = seeded.expected(seed) if seed else set()
        same = json.dumps(found["findings"]) == json.dumps(again["findings"])
        print(
            f"{seed:4}  {found['counts']['requests']:8}  {wall:6.2f}  {cpu:5.2f}"
            f"  {len(want - got):6}  {len(got - want):5}  {same}",
            flush=True,
        )


def measure(seed: int, secrets: dict[str, str]) -> tuple[dict[str, Any], float, float]:
    """The report of one run, its wall seconds and its CPU seconds."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", PORT))
    listener.listen()
    handle = listener.fileno()
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, TESTS, str(seed), str(handle)], pass_fds=[handle]
    )
    time.sleep(2)  # the server's imports are not what is measured
    try:
        with tempfile.TemporaryDirectory() as folder:
            return run(secrets, Path(folder))
    finally:
        server.terminate()
        server.wait(10)
        listener.close()


def run(secrets: dict[str, str], folder: Path) -> tuple[dict[str, Any], float, float]:
    address = f"http://127.0.0.1:{PORT}"
    command = [sys.executable, "-m", "perfectcv_traffic", "generate", address, *ARGUMENTS.split()]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        command, cwd=folder, env={**os.environ, **secrets}, check=False, capture_output=True
    )
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads((folder / "found.json").read_text()), wall, cpu


if __name__ == "__main__":
    main()
