"""SQLite's library is set up by the program before its first use, and only then."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from importlib.util import find_spec

import pytest

MEMORY_USED = """
import ctypes
from importlib.util import find_spec
from perfectcv_traffic.store import library
{before}
import sqlite3
connection = sqlite3.connect(":memory:")
connection.execute("CREATE TABLE t (x)")
connection.executemany("INSERT INTO t VALUES (?)", [("x" * 1000,)] * 1000)
used = ctypes.CDLL(find_spec("_sqlite3").origin).sqlite3_memory_used
used.restype = ctypes.c_int64
print(used(), connection.execute("SELECT count(*), sum(length(x)) FROM t").fetchone())
print(library.set_up_sqlite())
connection.close()
"""


def reaches_library() -> bool:
    module = find_spec("_sqlite3")
    if module is None or module.origin is None or not module.has_location:
        return False
    return hasattr(ctypes.CDLL(module.origin), "sqlite3_config")


def memory_used(before: str) -> list[str]:
    """What a program says of SQLite's memory that does something before it uses SQLite."""
    script = MEMORY_USED.format(before=before)
    command = [sys.executable, "-c", script]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")


@pytest.mark.skipif(not reaches_library(), reason="SQLite's library is out of reach here")
def test_memory_is_not_counted_once_the_library_is_set_up() -> None:
    assert memory_used("assert library.set_up_sqlite()")[0] == "0 (1000, 1000000)"


@pytest.mark.skipif(not reaches_library(), reason="SQLite's library is out of reach here")
def test_a_library_in_use_stays_as_it_is() -> None:
    used, second = memory_used("")[:2]
    assert int(used.split()[0]) > 1_000_000
    assert second == "False"
