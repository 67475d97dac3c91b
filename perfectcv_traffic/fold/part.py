"""What becomes of the lines of a split, and of several together."""

from __future__ import annotations

import marshal
from dataclasses import dataclass, field, fields

from perfectcv_traffic.columns.folding import Folding
from perfectcv_traffic.fold.event_ids import EventIds

Values = tuple[object, ...]

_WITHOUT_REFERENCES = 2
"""Of marshal's versions, the last that does not look whether a value was there before."""


@dataclass(slots=True)
class Part:
    """The lines of a split folded; what a worker hands back."""

    folding: Folding = field(default_factory=Folding)
    ids: EventIds = field(default_factory=EventIds)
    recorded: int = 0
    """Records, each once, whether they are selected or not."""
    rejected: int = 0
    duplicates: int = 0
    """Records whose `event_id` had been counted already."""
    damaged: list[str] = field(default_factory=list)
    """Compressed logs that are read only so far: names without their folders."""
    latest: list[Values] = field(default_factory=list)
    """Values of the last selected records, oldest first."""
    overlaps: bool = False
    """Parts were put together that have records in common: the sums are wrong."""

    def __getstate__(self) -> dict[str, object]:
        state = {one.name: getattr(self, one.name) for one in fields(self)}
        return state | {"latest": _packed(self.latest)}

    def __setstate__(self, state: dict[str, object]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        if isinstance(packed := state["latest"], bytes):
            self.latest = marshal.loads(packed)

    def take(self, other: Part, most: int) -> None:
        """Add up what comes after it; of the latest records at most so many are kept."""
        self.folding.merge(other.folding)
        self.recorded += other.recorded
        self.rejected += other.rejected
        self.duplicates += other.duplicates
        self.damaged += other.damaged
        self.latest = [*self.latest, *other.latest][-most:] if most else []
        self.overlaps = self.overlaps or other.overlaps or self.ids.meets(other.ids)
        self.ids.update(other.ids)


def _packed(latest: list[Values]) -> bytes | list[Values]:
    """Values as bytes, made and read several times faster than pickle's; as they are if odd."""
    try:
        return marshal.dumps(latest, _WITHOUT_REFERENCES)
    except ValueError:
        return latest


def together(most: int, *parts: Part) -> Part:
    """A new part of everything in several, in their order; they stay as they are."""
    total = Part()
    for part in parts:
        total.take(part, most)
    return total
