"""What `generate` costs: finding defects, and sending traffic.

    python benchmarks/generate.py find [SEEDS]
    python benchmarks/generate.py traffic [ROUNDS]

`find` runs the command on the seeded target, a line per seed up to SEEDS (20): requests, wall and
CPU seconds, defects missed, operations accused wrongly, and whether a second run on a fresh server
wrote the same findings. Seed 0 is the correct twin. `traffic` is told in `traffic.py`.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import target_server
import traffic

PORT = 18_431
"""The same for each run: it stands in the curl lines."""
ARGUMENTS = (
    "--token-env BENCH_TOKEN --low-token-env BENCH_LOW --api-key-env BENCH_KEY"
    " --jwt-secret-env BENCH_SECRET --allow-writes --allow-deletes --slow 0.15"
    " --format json --output found.json"
)


def main() -> None:
    what = (*sys.argv[1:], "find")[0]
    if what == "traffic":
        traffic.compare(int((*sys.argv[2:], "3")[0]))
    else:
        find(int((*sys.argv[2:], "20")[0]))


def find(seeds: int) -> None:
    sys.path.insert(0, target_server.TESTS)
    import seeded

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
    with (
        target_server.started("seeded", port=PORT, seed=seed) as address,
        tempfile.TemporaryDirectory() as folder,
    ):
        return run(address, secrets, Path(folder))


def run(address: str, secrets: dict[str, str], folder: Path) -> tuple[dict[str, Any], float, float]:
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
