"""Does analysis cost the same however long the log is?

Ingests a short and a long log of the same 30 days and routes and compares the time to read all
that an analysis of the whole log needs: `python benchmarks/flat.py [--long 3000000]`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import native_log

from perfectcv_traffic.store import queries
from perfectcv_traffic.store.database import reading
from perfectcv_traffic.store.ingest import Options, ingest

DAYS = 30
SHORT = 30_000
ROUNDS = 21
LIMIT = 1.3


def read_all(db: Path) -> int:
    """All that `analyze` reads; returns the number of rows."""
    with reading(db) as connection:
        rows = sum(len(list(found)) for found in queries.overview_rows(connection).values())
        queries.line_counts(connection)
        queries.time_range(connection)
        queries.client_count(connection)
    return rows


def make(folder: Path, count: int) -> Path:
    log, db = folder / f"{count}.log", folder / f"{count}.db"
    native_log.write(log, count, DAYS)
    started = time.perf_counter()
    ingest([log], db, options=Options(in_parallel=True))
    print(f"{count} lines ingested in {time.perf_counter() - started:.1f} s")
    log.unlink()
    return db


def timed(db: Path) -> float:
    started = time.perf_counter()
    read_all(db)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", type=int, default=3_000_000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        short, long = (make(Path(name), count) for count in (SHORT, options.long))
        times: dict[Path, list[float]] = {short: [], long: []}
        for _ in range(ROUNDS):  # interleaved: what disturbs one disturbs the other
            for db, taken in times.items():
                taken.append(timed(db))
        medians = {db: statistics.median(taken) * 1000 for db, taken in times.items()}
        for db, median in medians.items():
            print(f"{db.stem} rows: {median:.2f} ms for {read_all(db)} summary rows")
    ratio = medians[long] / medians[short]
    print(f"ratio {ratio:.2f}, limit {LIMIT}: {'holds' if ratio <= LIMIT else 'BROKEN'}")


if __name__ == "__main__":
    main()
