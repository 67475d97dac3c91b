"""Lines parsed and not yet stored, and what became of lines that were."""

from __future__ import annotations

from dataclasses import dataclass, field

from perfectcv_traffic.log.lines import Reject
from perfectcv_traffic.record import TrafficLog


class OffsetMovedError(Exception):
    """Another ingester committed these lines first."""


@dataclass(slots=True)
class Batch:
    """Lines parsed and not yet stored, each with its offset in the log."""

    records: list[tuple[int, TrafficLog]] = field(default_factory=list)
    rejects: list[tuple[int, int, Reject]] = field(default_factory=list)
    """Offset, length in bytes, reject."""
    lines: int = 0
    blank: int = 0
    duplicate: int = 0
    """Lines of which an earlier generation of the log has the record already."""
    salvaged: int = 0
    """Torn lines: each is a reject and a record."""

    def add(self, other: Batch) -> None:
        """Take the lines that follow."""
        self.records += other.records
        self.rejects += other.rejects
        self.lines += other.lines
        self.blank += other.blank
        self.duplicate += other.duplicate
        self.salvaged += other.salvaged


@dataclass(slots=True)
class Counts:
    """What became of the lines of a log.

    `new + duplicate + rejected + blank - salvaged` is `lines`: a torn line is rejected, and the
    whole record at its end is new.
    """

    lines: int = 0
    new: int = 0
    duplicate: int = 0
    rejected: int = 0
    blank: int = 0
    salvaged: int = 0

    def add(self, other: Counts) -> None:
        """Add another count to this one."""
        self.lines += other.lines
        self.new += other.new
        self.duplicate += other.duplicate
        self.rejected += other.rejected
        self.blank += other.blank
        self.salvaged += other.salvaged
