"""Where finished exchanges are recorded: in a child process, else here."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from perfectcv_traffic.capture.batch import BatchRecorder
from perfectcv_traffic.capture.exchange import Exchange
from perfectcv_traffic.capture.facts import Facts
from perfectcv_traffic.capture.facts_reader import FactsReader
from perfectcv_traffic.capture.log_file import WARNING_INTERVAL
from perfectcv_traffic.capture.offload import Offload
from perfectcv_traffic.capture.outcome import Outcome

logger = logging.getLogger("perfectcv_traffic")


class Recording:
    """Records batches of exchanges; used from the writer's thread."""

    def __init__(
        self, reader: FactsReader, here: BatchRecorder, offload: Offload | None = None
    ) -> None:
        self._reader = reader
        self._here = here
        self._offload = offload
        self._warned_at = -WARNING_INTERVAL

    def write(self, exchanges: Sequence[Exchange], untold: int) -> Outcome:
        """Record a batch; `untold` requests were lost before it."""
        batch = [facts for facts in map(self._read, exchanges) if facts is not None]
        unread = len(exchanges) - len(batch)
        outcome = self._write(batch, untold + unread)
        outcome.failed += unread
        return outcome

    def _write(self, batch: Sequence[Facts], untold: int) -> Outcome:
        if self._offload is not None:
            outcome = self._offload.write(batch, untold)
            if outcome is not None:
                self._here.close()  # a file kept open would keep a rotated log on the disk
                return outcome
        return self._here.write(batch, untold)

    def _read(self, exchange: Exchange) -> Facts | None:
        try:
            return self._reader.read(exchange)
        except Exception:
            if time.monotonic() - self._warned_at >= WARNING_INTERVAL:
                self._warned_at = time.monotonic()
                logger.exception("a request could not be recorded")
            return None

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
