"""What became of exchanges: of a batch, and of all in this process."""

from __future__ import annotations

import msgspec


class Tally(msgspec.Struct):
    """How many exchanges came to which end."""

    recorded: int = 0
    excluded: int = 0
    """Not wanted: an excluded path."""
    sampled_out: int = 0
    """Not wanted: left to chance by `sample_rate`."""
    unwritten: int = 0
    """Lost: the disk or directory refused them."""
    failed: int = 0
    """Lost: the record could not be made."""
    bodies_dropped: int = 0
    """Recorded without bodies: the queue held too many bytes, or a child failed over them."""

    def add(self, other: Tally) -> None:
        """Add another tally."""
        for name in Tally.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Outcome(Tally, array_like=True, kw_only=True):
    """What became of one batch."""

    untold: int
    """Lost, and not yet said by any line of the log."""

    def then(self, later: Outcome) -> None:
        """Add what became of a batch after this one, which was told what this one left untold."""
        self.add(later)
        self.untold = later.untold


class Counters(Tally):
    """What the recorder did in this process."""

    dropped: int = 0
    """Lost: the queue was full."""
    missed_errors: int = 0
    """Recorded without the exception of a background task that ended too late."""
    faults: int = 0
    """Failures of the recorder while it watched a request."""

    @property
    def lost(self) -> int:
        """Requests that should be in the log and are not."""
        return self.dropped + self.unwritten + self.failed

    def reset(self) -> None:
        """Begin anew."""
        for name in self.__struct_fields__:
            setattr(self, name, 0)
