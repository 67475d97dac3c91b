"""The files of the store are their owner's alone, whatever the umask says."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perfectcv_traffic.store.database import writing
from perfectcv_traffic.store.doctor import back_up
from perfectcv_traffic.store.ingest import ingest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no file modes")

Line = Callable[..., bytes]


@pytest.fixture(autouse=True)
def usual_mask() -> Iterator[None]:
    mask = os.umask(0o022)
    yield
    os.umask(mask)


def _modes(folder: Path, prefix: str) -> dict[str, int]:
    found = folder.glob(f"{prefix}*")
    return {path.name.removeprefix(prefix): stat.S_IMODE(path.stat().st_mode) for path in found}


def test_database_and_what_lies_beside_it_are_private(log: Path, db: Path, line: Line) -> None:
    log.write_bytes(line(1))
    ingest([log], db)

    with writing(db) as connection:
        connection.execute("UPDATE store_meta SET value = value")
        modes = _modes(db.parent, db.name)

    assert {"", "-wal", "-shm", ".id", ".lock"} <= set(modes)
    assert set(modes.values()) == {0o600}


def test_backup_is_private_and_leaves_no_draft(
    log: Path, db: Path, line: Line, tmp_path: Path
) -> None:
    log.write_bytes(line(1))
    ingest([log], db)

    back_up(db, tmp_path / "copy.db")

    assert _modes(tmp_path, "copy.db") == {"": 0o600}
    assert not list(tmp_path.glob(".*"))


def test_existing_database_keeps_the_mode_that_its_owner_gave(
    log: Path, db: Path, line: Line
) -> None:
    log.write_bytes(line(1))
    ingest([log], db)
    db.chmod(0o640)

    with writing(db) as connection:
        connection.execute("UPDATE store_meta SET value = value")
        modes = _modes(db.parent, db.name)

    assert (modes[""], modes["-wal"], modes["-shm"]) == (0o640, 0o640, 0o640)


def test_database_behind_a_link_to_nothing_yet_is_private(db: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere" / "real.db"
    target.parent.mkdir()
    db.symlink_to(target)

    with writing(db) as connection:
        assert isinstance(connection, sqlite3.Connection)

    assert db.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
