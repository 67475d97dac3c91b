"""An event loop whose timers are punctual: those of epoll are rounded up to whole milliseconds.

At a constant rate that rounding would count as response time, which a fast API answers in less.
"""

from __future__ import annotations

import asyncio
import select
import selectors
import sys

if sys.platform == "linux":

    class _PunctualSelector(selectors.EpollSelector):
        """Waits with select, which takes microseconds, for the one descriptor of epoll itself."""

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            if timeout is not None and timeout > 0:
                ready, _, _ = select.select([self], [], [], timeout)
                if not ready:
                    return []
                timeout = 0
            return super().select(timeout)

    def punctual_loop() -> asyncio.AbstractEventLoop:
        """A new event loop."""
        return asyncio.SelectorEventLoop(_PunctualSelector())

else:

    def punctual_loop() -> asyncio.AbstractEventLoop:
        """A new event loop: the platform's usual one, there is no epoll."""
        return asyncio.new_event_loop()
