"""What became of a batch of exchanges, and the counters that add it up."""

from __future__ import annotations

import msgspec


class Outcome(msgspec.Struct, array_like=True):
    """What became of one batch."""

    untold: int
    """Lost, and not yet said by any line of the log."""
    recorded: int = 0
    excluded: int = 0
    sampled_out: int = 0
    unwritten: int = 0
    failed: int = 0
    bodies_dropped: int = 0

    def add(self, later: Outcome) -> None:
        """Add what became of a batch after this one, which was told what this one left untold."""
        self.untold = later.untold
        self.recorded += later.recorded
        self.excluded += later.excluded
        self.sampled_out += later.sampled_out
        self.unwritten += later.unwritten
        self.failed += later.failed
        self.bodies_dropped += later.bodies_dropped


class Counters(msgspec.Struct):
    """What the recorder did in this process."""

    recorded: int = 0
    excluded: int = 0
    """Not wanted: an excluded path."""
    sampled_out: int = 0
    """Not wanted: left to chance by `sample_rate`."""
    dropped: int = 0
    """Lost: the queue was full."""
    unwritten: int = 0
    """Lost: the disk or directory refused them."""
    failed: int = 0
    """Lost: the record could not be made."""
    bodies_dropped: int = 0
    """Recorded without bodies: the queue held too many bytes, or a child failed over them."""
    missed_errors: int = 0
    """Recorded without the exception of a background task that ended too late."""
    faults: int = 0
    """Failures of the recorder while it watched a request."""

    @property
    def lost(self) -> int:
        """Requests that should be in the log and are not."""
        return self.dropped + self.unwritten + self.failed

    def add(self, outcome: Outcome) -> None:
        """Count a batch."""
        self.recorded += outcome.recorded
        self.excluded += outcome.excluded
        self.sampled_out += outcome.sampled_out
        self.unwritten += outcome.unwritten
        self.failed += outcome.failed
        self.bodies_dropped += outcome.bodies_dropped

    def reset(self) -> None:
        """Begin anew."""
        for name in self.__struct_fields__:
            setattr(self, name, 0)
