"""Planned requests sent by several workers: ids, credential and marks go in, outcomes out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec

from perfectcv_traffic.generate.answer import Answer, Sends
from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.encoding import WireRequest, encode, text_of
from perfectcv_traffic.generate.ids import IdPool
from perfectcv_traffic.generate.marks import marks, request_id
from perfectcv_traffic.generate.openapi import Location
from perfectcv_traffic.generate.outcome import INTERRUPTED, Outcome, judge
from perfectcv_traffic.generate.pace import Pacer, Schedule
from perfectcv_traffic.generate.plan import Planned
from perfectcv_traffic.generate.presenting import present

_SUCCESS = range(200, 300)


@dataclass(slots=True, kw_only=True)
class Traffic:
    """The requests of one run while they are sent; `outcomes` grows as answers come."""

    sender: Sends
    base: str
    run_id: str
    credentials: Credentials
    ids: IdPool
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

    async def send_all(self, plan: Iterator[Planned], *, workers: int, pacer: Pacer) -> None:
        """Send every planned request, in order, at most `workers` at a time."""
        tasks = {asyncio.create_task(self._work(plan, pacer)) for _ in range(workers)}
        async with self._timed(tasks):
            await asyncio.gather(*tasks)

    async def send_at_rate(
        self, plan: Iterator[Planned], *, schedule: Schedule, most_in_flight: int
    ) -> None:
        """Send each planned request when it is due; beyond `most_in_flight` it is skipped."""
        tasks: set[asyncio.Task[None]] = set()
        async with self._timed(tasks):
            for planned in plan:
                due = await schedule.next_due()
                if len(tasks) >= most_in_flight:
                    self.skipped += 1
                    continue
                task = asyncio.create_task(self._perform(planned, due=due))
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

    async def _work(self, plan: Iterator[Planned], pacer: Pacer) -> None:
        for planned in plan:
            done = self._under_way[planned.number] = asyncio.Event()
            try:
                await self._wait_for(planned.after)
                await pacer.wait()
                await self._perform(planned)
            finally:
                del self._under_way[planned.number]
                done.set()

    async def _wait_for(self, numbers: tuple[int, ...]) -> None:
        # Earlier requests never wait for later ones, so that no two can wait for each other.
        for number in numbers:
            event = self._under_way.get(number)
            if event is not None:
                await event.wait()

    async def _perform(self, planned: Planned, *, due: float | None = None) -> None:
        ids = self.ids.bind(planned.draft.operation, planned.number)
        if planned.pointer is not None and planned.pointer.startswith("/path/"):
            ids.pop(planned.pointer.removeprefix("/path/"), None)  # the null itself must arrive
        request = self._encode(planned, ids)
        started = time.perf_counter()
        try:
            answer = await self.sender.send(request)
        except asyncio.CancelledError:
            seconds = time.perf_counter() - started
            self._note(planned, request, Answer(error=INTERRUPTED, seconds=seconds), 0.0)
            raise
        self._learn(planned, ids, answer)
        self._note(planned, request, answer, 0.0 if due is None else max(0.0, started - due))

    def _encode(self, planned: Planned, ids: dict[str, str]) -> WireRequest:
        own_id = request_id(self.run_id, planned.number)
        scenario = planned.scenario
        return encode(
            planned.draft,
            base=self.base,
            ids=ids,
            presented=present(
                scenario.credential,
                planned.draft.operation,
                self.credentials,
                own_id,
                turn=planned.number,
            ),
            marks=marks(self.run_id, planned.number, scenario.name),
        )

    def _learn(self, planned: Planned, ids: dict[str, str], answer: Answer) -> None:
        operation = planned.draft.operation
        if answer.status not in _SUCCESS:
            return
        drafted = planned.draft.values[Location.PATH]
        path = {name: text_of(value) for name, value in drafted.items()} | ids
        if operation.method == "DELETE":
            self.ids.forget(operation, path)
        elif answer.is_whole and self.ids.wants(operation):
            decoded = _decoded(answer.body)
            if decoded is not None:
                self.ids.learn(operation, path, decoded)

    def _note(self, planned: Planned, request: WireRequest, answer: Answer, waited: float) -> None:
        own_id = request_id(self.run_id, planned.number)
        outcome = judge(planned, request, answer, own_id, waited)
        self.outcomes.append(outcome)
        if self.on_outcome is not None:
            self.on_outcome(outcome)


def _decoded(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
