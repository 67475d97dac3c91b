"""How a follower is told to end: by signals, by the end of its standard input."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress

from perfectcv_traffic.capture.preemption import PreemptionPoints


class Stop:
    """Whether a follower was asked to end, or to look now; asked twice to end, it does at once."""

    SLICE = 0.2
    PATIENCE = 0.1

    def __init__(self) -> None:
        self.points = PreemptionPoints(self.PATIENCE)
        """Where it gives way while it stores what there was at one look."""
        self._asked = False
        self._prompted = threading.Event()

    def is_asked(self) -> bool:
        """Whether it is to end."""
        return self._asked

    def on_signals(self) -> None:
        """End by Ctrl-C or SIGTERM."""
        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
            if number := getattr(signal, name, None):
                signal.signal(number, self._on_signal)
        if pipe := getattr(signal, "SIGPIPE", None):
            signal.signal(pipe, signal.SIG_IGN)  # a closed terminal must not stop ingest

    def on_end_of_stdin(self) -> None:
        """End when standard input does, look at the log when a line comes in."""
        # A service manager signals all processes: whoever started this decides when it is over.
        for name in ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP", "SIGPIPE"):
            if number := getattr(signal, name, None):
                signal.signal(number, signal.SIG_IGN)
        threading.Thread(target=self._read_stdin, daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Wait for the time to look again; False if it is to end instead."""
        until = time.monotonic() + seconds
        while not self._asked and (left := until - time.monotonic()) > 0:
            if self._prompted.wait(min(left, self.SLICE)):
                self._prompted.clear()
                break
        self.points.begin()
        return not self._asked

    def _on_signal(self, *_: object) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True

    def _read_stdin(self) -> None:
        # Not sys.stdin: its lock, held by a thread that reads, blocks the end of the process.
        with suppress(OSError):
            while os.read(0, 4096):
                self._prompted.set()
        self._asked = True
