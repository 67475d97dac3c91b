"""SQLite's own library, set up before it is used for the first time.

What is set up here holds for the whole process, so only the program does it, and nobody else's.
"""

from __future__ import annotations

import ctypes
from importlib.util import find_spec

_MULTITHREAD = 2
_MEMSTATUS = 9
"""Numbers of `sqlite3_config`: https://www.sqlite.org/c3ref/c_config_getmalloc.html."""


def set_up() -> bool:
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
