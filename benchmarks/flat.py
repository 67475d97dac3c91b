"""Does analysis cost the same however long the log is?

Ingests a short and a long log of the same 30 days and routes, then takes turns over both databases:
reading all that an analysis of the whole log needs, `analyze --no-charts`, `analyze` with charts.
Usage: `python benchmarks/flat.py [--long 3000000] [--folder DIR]`; databases in DIR are kept and
used again.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import native_log

from perfectcv_traffic.store import queries
from perfectcv_traffic.store.database import reading
from perfectcv_traffic.store.ingest import Options, ingest

DAYS = 30
SHORT = 30_000
ROUNDS = 21
COMMAND_ROUNDS = 7
RATIO_LIMIT = 1.3
SECONDS_LIMIT = 1.5
CHARTS_LIMIT = 3.0


def read_all(db: Path) -> int:
    """All that `analyze` reads of the summary; returns the number of rows."""
    with reading(db) as connection:
        rows = sum(len(list(found)) for found in queries.overview_rows(connection).values())
        queries.line_counts(connection)
        queries.time_range(connection)
        queries.client_count(connection)
    return rows


def make(folder: Path, count: int) -> Path:
    log, db = folder / f"{count}.log", folder / f"{count}.db"
    if db.exists():
        return db
    native_log.write(log, count, DAYS)
    started = time.perf_counter()
    ingest([log], db, options=Options(in_parallel=True))
    print(f"{count} lines ingested in {time.perf_counter() - started:.1f} s")
    log.unlink()
    return db


def analyze(folder: Path, *options: str) -> Callable[[Path], None]:
    """The command as a process of its own, from its start to its end."""
    program = [sys.executable, "-m", "perfectcv_traffic", "analyze", *options]

    def run(db: Path) -> None:
        words = [*program, "--db", str(db), "--output", str(folder / "output")]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)

    return run


class Cost(NamedTuple):
    """Medians of one thing done: by the clock, and of this process and its children together."""

    seconds: float
    cpu_seconds: float


def costs(run: Callable[[Path], object], dbs: tuple[Path, Path], rounds: int) -> list[Cost]:
    """Over the short and the long database, which take turns: what disturbs one disturbs both."""
    taken: dict[Path, list[Cost]] = {db: [] for db in dbs}
    for _ in range(rounds):
        for db in dbs:
            started, cpu = time.perf_counter(), sum(os.times()[:4])
            run(db)
            done = Cost(time.perf_counter() - started, sum(os.times()[:4]) - cpu)
            taken[db].append(done)
    return [Cost(*map(statistics.median, zip(*one, strict=True))) for one in taken.values()]


def verdict(name: str, value: float, limit: float) -> None:
    print(f"  {name} {value:.2f}, limit {limit}: {'holds' if value <= limit else 'BROKEN'}")


def told(what: str, short: Cost, long: Cost) -> None:
    print(
        f"{what}: {short.seconds:.3f} s ({short.cpu_seconds:.2f} of CPU) for {SHORT:,} rows,"
        f" {long.seconds:.3f} s ({long.cpu_seconds:.2f} of CPU) for the long one"
    )


def compare(folder: Path, dbs: tuple[Path, Path]) -> None:
    short, long = costs(read_all, dbs, ROUNDS)
    told("reading the summary", short, long)
    verdict("ratio", long.seconds / short.seconds, RATIO_LIMIT)
    short, long = costs(analyze(folder, "--no-charts"), dbs, COMMAND_ROUNDS)
    told("analyze --no-charts", short, long)
    verdict("seconds", long.seconds, SECONDS_LIMIT)
    verdict("ratio", long.seconds / short.seconds, RATIO_LIMIT)
    _, charted = (pair := costs(analyze(folder), dbs, COMMAND_ROUNDS))
    told("analyze with charts", *pair)
    verdict("more seconds", charted.seconds - long.seconds, CHARTS_LIMIT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", type=int, default=3_000_000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
    kept = options.folder and nullcontext(str(options.folder))
    with kept or tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compare(folder, (make(folder, SHORT), make(folder, options.long)))


if __name__ == "__main__":
    main()
