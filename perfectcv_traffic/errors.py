"""What can go wrong, and the exit code each kind ends the program with.

    TrafficError
    ├── UsageError       an option, setting or argument that cannot be used
    ├── StorageError     a log, database or output that cannot be read or written
    ├── TargetError      the API under test did not answer, or did not start
    └── LockedError      another ingester holds the log

A message is one line: what failed, on which file or URL, and what to do next.
"""

from enum import IntEnum
from typing import Self


class ExitCode(IntEnum):
    """Exit status of the `perfectcv-traffic` process, with what it tells a script."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        """The number, which carries its meaning."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    OK = 0, "done; nothing was violated or found that was asked to fail"
    FINDINGS = 1, "done, and something was found: a violated threshold, a defect, a lost request"
    USAGE = 2, "nothing was done: an option, setting or argument cannot be used"
    STORAGE = 3, "a file (log, database, document, output) cannot be read, written or used"
    TARGET = 4, "the API under test did not answer or start, or nothing of it could be tested"
    LOCKED = 5, "another process writes into the database"
    DEFECT = 70, "this program failed in a way that nobody expected: please report it"
    INTERRUPTED = 130, "Ctrl-C; what was stored until then stays"


class TrafficError(Exception):
    """Base of every error this package raises on purpose."""

    exit_code = ExitCode.STORAGE


class UsageError(TrafficError):
    """An option, setting or argument cannot be used."""

    exit_code = ExitCode.USAGE


class StorageError(TrafficError):
    """A log, database or output file cannot be read or written."""

    exit_code = ExitCode.STORAGE


class TargetError(TrafficError):
    """The API under test did not answer, or did not start."""

    exit_code = ExitCode.TARGET


class LockedError(TrafficError):
    """Another ingester holds the log."""

    exit_code = ExitCode.LOCKED
