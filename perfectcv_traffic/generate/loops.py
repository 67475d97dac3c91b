"""When requests are sent: after an answer (closed loop), or when they are due (open loop)."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from perfectcv_traffic.generate.answer import Answer, Sends
from perfectcv_traffic.generate.encoding import WireRequest
from perfectcv_traffic.generate.outcome import INTERRUPTED, Outcome
from perfectcv_traffic.generate.pace import Pacer, Schedule


class Numbered(Protocol):
    """One request to come."""

    @property
    def number(self) -> int:
        """Its place in the plan."""

    @property
    def after(self) -> tuple[int, ...]:
        """Numbers of the requests that must be answered before it is sent."""


Item = TypeVar("Item", bound=Numbered)


@dataclass(slots=True, kw_only=True)
class Loop(ABC, Generic[Item]):
    """The requests of one run while they are sent; `outcomes` grows as answers come."""

    sender: Sends
    run_id: str
    on_outcome: Callable[[Outcome], None] | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    is_complete: bool = False
    seconds: float = 0.0
    sending_seconds: float = 0.0
    """Until nothing more was to be sent: without the wait for the last answers."""
    cpu_seconds: float = 0.0
    skipped: int = 0
    """Requests that were due while too many were under way."""
    _started: float = 0.0
    _under_way: dict[int, asyncio.Event] = field(default_factory=dict)

    @abstractmethod
    async def perform(self, item: Item, *, due: float | None = None) -> None:
        """Send one request and note what came back."""

    async def send_all(self, plan: Iterator[Item], *, workers: int, pacer: Pacer) -> None:
        """Send every request, in order, at most `workers` at a time."""
        tasks = {asyncio.create_task(self._work(plan, pacer)) for _ in range(workers)}
        async with self._timed(tasks):
            await asyncio.gather(*tasks)

    async def send_at_rate(
        self, plan: Iterator[Item], *, schedule: Schedule, most_in_flight: int
    ) -> None:
        """Send each request when it is due; beyond `most_in_flight` it is skipped."""
        tasks: set[asyncio.Task[None]] = set()
        async with self._timed(tasks):
            for item in plan:
                due = await schedule.next_due()
                if len(tasks) >= most_in_flight:
                    self.skipped += 1
                    continue
                task = asyncio.create_task(self.perform(item, due=due))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            self.sending_seconds = time.perf_counter() - self._started
            await asyncio.gather(*tasks)

    @asynccontextmanager
    async def _timed(self, tasks: Collection[asyncio.Task[None]]) -> AsyncIterator[None]:
        """What is done inside counts; tasks that are left when it is cut short are cancelled."""
        self._started, worked = time.perf_counter(), time.process_time()
        try:
            yield
            self.is_complete = True
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.seconds = time.perf_counter() - self._started
            self.sending_seconds = self.sending_seconds or self.seconds
            self.cpu_seconds = time.process_time() - worked

    async def _work(self, plan: Iterator[Item], pacer: Pacer) -> None:
        for item in plan:
            done = self._under_way[item.number] = asyncio.Event()
            try:
                await self._wait_for(item.after)
                await pacer.wait()
                await self.perform(item)
            finally:
                del self._under_way[item.number]
                done.set()

    async def _wait_for(self, numbers: tuple[int, ...]) -> None:
        # Earlier requests never wait for later ones, so that no two can wait for each other.
        for number in numbers:
            event = self._under_way.get(number)
            if event is not None:
                await event.wait()

    async def exchange(self, request: WireRequest, note: Callable[[Answer, float], None]) -> None:
        """Send a request; `note` is told the answer and when it was sent, also when cut short."""
        started = time.perf_counter()
        try:
            answer = await self.sender.send(request)
        except asyncio.CancelledError:
            seconds = time.perf_counter() - started
            note(Answer(error=INTERRUPTED, seconds=seconds), started)
            raise
        note(answer, started)

    def keep(self, outcome: Outcome) -> None:
        """Keep an outcome, and tell it."""
        self.outcomes.append(outcome)
        if self.on_outcome is not None:
            self.on_outcome(outcome)


def waited(started: float, due: float | None) -> float:
    """Seconds between the time a request was due and the time it was sent."""
    return 0.0 if due is None else max(0.0, started - due)
