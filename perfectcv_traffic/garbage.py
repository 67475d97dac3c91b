"""The collector of cyclic garbage, and when it is in the way."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_SELDOM = 100_000
"""New objects after which cycles are looked for; Python's own number is 700 or 2,000."""


@contextmanager
def no_collection() -> Iterator[None]:
    """Look for no cycles meanwhile: records hold none, and looking costs a third of their time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def collect_seldom() -> None:
    """Look for cycles where commands make them, not each time that some objects were made.

    A command imports libraries and makes tables: looking through all of that took a tenth of its
    time, and found next to nothing.
    """
    gc.set_threshold(_SELDOM, *gc.get_threshold()[1:])


def collect_no_more() -> None:
    """Look for no cycles at the end of the program, when all of its memory is given back anyway.

    Python looks through everything then: modules, tables, records.
    """
    gc.freeze()
