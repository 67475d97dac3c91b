"""What can go wrong, and the exit code each kind ends the program with.

    TrafficError
    ├── UsageError       an option, setting or argument that cannot be used
    ├── StorageError     a log, database or output that cannot be read or written
    ├── TargetError      the API under test did not answer, or did not start
    └── LockedError      another ingester holds the log

A message is one line: what failed, on which file or URL, and what to do next.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit status of the `perfectcv-traffic` process."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    STORAGE = 3
    TARGET = 4
    LOCKED = 5
    INTERRUPTED = 130


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
