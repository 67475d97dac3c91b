"""The C libraries below Python, set up for what the program does with them.

That holds for a whole process, so it is done in our own ones, never in a program that imports us.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from importlib.util import find_spec

_MULTITHREAD = 2
_MEMSTATUS = 9
"""Numbers of `sqlite3_config`: https://www.sqlite.org/c3ref/c_config_getmalloc.html."""


_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3
"""Numbers of `mallopt`, from malloc.h."""

_LARGEST_BLOCK = 33_554_432
_KEPT = 134_217_728
"""Bytes; the first is the most that glibc takes."""


def set_up_sqlite() -> bool:
    """Leave out what SQLite does for each value that is bound and nothing here needs.

    That is counting the bytes it holds, under a lock, and a lock on the connection, which is never
    used by two threads at once. To be called before anything imports `sqlite3`; returns whether
    it was done: it cannot be where the library is out of reach or in use.
    """
    module = find_spec("_sqlite3")
    if module is None or not module.has_location or module.origin is None:
        return False
    try:
        configure = ctypes.CDLL(module.origin).sqlite3_config
    except (OSError, AttributeError):  # on Windows, or as a part of the interpreter
        return False
    configure.argtypes = [ctypes.c_int]  # the others are variadic, which some machines pass apart
    results = [configure(_MULTITHREAD), configure(_MEMSTATUS, ctypes.c_int(0))]
    return not any(results)


def keep_memory() -> None:
    """Let glibc keep the memory of freed blocks of some megabytes, which are soon wanted again.

    It gives them back to the system, which clears each page anew the next time.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):  # another C library
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(_MMAP_THRESHOLD, _LARGEST_BLOCK)
            mallopt(_TRIM_THRESHOLD, _KEPT)
