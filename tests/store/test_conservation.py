"""Whatever happens to a log and its ingester, each line is stored once."""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from perfectcv_traffic.store.database import writing
from perfectcv_traffic.store.doctor import examine
from perfectcv_traffic.store.ingest import Ingester, Options, ingest


class LogUnderFire(RuleBasedStateMachine):
    """A log that is written, rotated, copied and cut while its ingester is stopped anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.log = self.folder / "access.log"
        self.db = self.folder / "store.db"
        self.written = 0
        self.rotations = 0
        self.half = b""

    @initialize()
    def begin(self) -> None:
        self.log.touch()
        ingest([self.log], self.db)

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def append(self, data: bytes) -> None:
        with self.log.open("ab") as file:
            file.write(data)

    def next_line(self) -> bytes:
        self.written += 1
        return (
            b'10.0.0.1 - - [21/Nov/2026:10:00:00 +0000] "GET /n/%d HTTP/1.1" 200 1\n' % self.written
        )

    @rule(count=st.integers(1, 120))
    def write(self, count: int) -> None:
        self.append(self.half + b"".join(self.next_line() for _ in range(count)))
        self.half = b""

    @rule(cut=st.integers(1, 40))
    def write_half_a_line(self, cut: int) -> None:
        if not self.half:
            whole = self.next_line()
            self.append(whole[:cut])
            self.half = whole[cut:]

    @rule()
    def finish_the_line(self) -> None:
        self.append(self.half)
        self.half = b""

    @rule(compressed=st.booleans())
    def rotate(self, compressed: bool) -> None:
        self.finish_the_line()
        if not self.log.stat().st_size:
            return
        self.rotations += 1
        rotated = self.folder / f"access.log.{self.rotations}"
        if compressed:
            data = gzip.compress(self.log.read_bytes())
            rotated.with_name(rotated.name + ".gz").write_bytes(data)
            self.log.unlink()
        else:
            self.log.rename(rotated)
        self.log.touch()

    @rule()
    def copy_and_truncate(self) -> None:
        self.finish_the_line()
        if not self.log.stat().st_size:
            return
        self.rotations += 1
        shutil.copy(self.log, self.folder / f"access.log.{self.rotations}")
        os.truncate(self.log, 0)

    @rule()
    def ingest_all(self) -> None:
        ingest([self.log], self.db)

    @rule(steps=st.integers(1, 400))
    def ingest_and_be_stopped(self, steps: int) -> None:
        """SQLite itself gives up after so many steps, wherever in the transaction that is."""
        left = steps
        try:
            with writing(self.db) as connection:

                def count() -> int:
                    nonlocal left
                    left -= 1
                    return int(left <= 0)

                ingester = Ingester(connection, Options())
                connection.set_progress_handler(count, 50)
                with ingester.stream(self.log) as stream:
                    ingester.catch_up(stream)
        except Exception as error:
            cause = error.__cause__ or error
            assert isinstance(cause, sqlite3.OperationalError), repr(error)  # noqa: PT017

    @invariant()
    def nothing_is_stored_twice(self) -> None:
        found = self.stored()
        assert len(found) == len(set(found))

    def stored(self) -> list[str]:
        connection = sqlite3.connect(self.db)
        try:
            tables = "SELECT count(*) FROM sqlite_master WHERE name = 'api_requests'"
            if not connection.execute(tables).fetchone()[0]:
                return []
            return [row[0] for row in connection.execute("SELECT path FROM api_requests")]
        finally:
            connection.close()

    @rule()
    def everything_written_is_stored(self) -> None:
        self.finish_the_line()
        ingest([self.log], self.db)
        assert sorted(self.stored()) == sorted(f"/n/{n}" for n in range(1, self.written + 1))
        assert [check for check in examine(self.db, deep=True) if not check.is_ok] == []
        counts = ingest([self.log], self.db)
        assert counts.lines == 0


LogUnderFire.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
test_each_line_is_stored_once_whatever_happens = LogUnderFire.TestCase
