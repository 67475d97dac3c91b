"""Where finished exchanges are recorded: in a child process, else here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from perfectcv_traffic.capture.batch import BatchRecorder
from perfectcv_traffic.capture.exchange import Exchange
from perfectcv_traffic.capture.facts import Facts, pack
from perfectcv_traffic.capture.facts_reader import FactsReader
from perfectcv_traffic.capture.offload import Offload
from perfectcv_traffic.capture.outcome import Outcome


class Packed(NamedTuple):
    """The facts of an exchange as they wait, and the memory they take, about."""

    facts: Facts | bytes
    size: int


class Recording:
    """Records batches of exchanges. All but `pack` is for the writer's thread."""

    def __init__(
        self, reader: FactsReader, here: BatchRecorder, offload: Offload | None = None
    ) -> None:
        self._reader = reader
        self._here = here
        self._offload = offload

    def pack(self, exchange: Exchange) -> Packed:
        """What is kept of an exchange that is over."""
        facts = self._reader.read(exchange)
        if self._offload is None:
            return Packed(facts, exchange.size)
        try:
            return Packed(pack(facts), exchange.size)
        except (TypeError, ValueError, OverflowError):
            return Packed(facts, exchange.size)

    def write(self, batch: Sequence[Packed], untold: int) -> Outcome:
        """Record a batch; `untold` requests were lost before it."""
        facts = [packed.facts for packed in batch]
        if self._offload is not None:
            shippable = [each for each in facts if isinstance(each, bytes)]
            outcome = None
            if len(shippable) == len(facts):
                outcome = self._offload.write(shippable, untold)
            if outcome is not None:
                self._here.close()  # a file kept open would keep a rotated log on the disk
                return outcome
        return self._here.write(facts, untold)

    def close(self) -> None:
        """Let go of the file and of what belongs to the thread."""
        self._here.close()

    def stop(self) -> None:
        """End the child process."""
        if self._offload is not None:
            self._offload.stop()

    def forget(self) -> None:
        """Start anew in a forked child."""
        self._here.close()
        if self._offload is not None:
            self._offload.forget()
