"""Where finished exchanges are recorded: in a child process, else here."""

from __future__ import annotations

from perfectcv_traffic.capture.batch import BatchRecorder
from perfectcv_traffic.capture.exchange import Exchange
from perfectcv_traffic.capture.offload import Offload
from perfectcv_traffic.capture.outcome import Outcome


class Recording:
    """Records batches of exchanges; used from the writer's thread."""

    def __init__(self, here: BatchRecorder, offload: Offload | None = None) -> None:
        self._here = here
        self._offload = offload

    def write(self, batch: list[Exchange], untold: int) -> Outcome:
        """Record a batch; `untold` requests were lost before it."""
        if self._offload is not None:
            outcome = self._offload.write(batch, untold)
            if outcome is not None:
                self._here.close()  # a file kept open would keep a rotated log on the disk
                return outcome
        return self._here.write(batch, untold)

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
