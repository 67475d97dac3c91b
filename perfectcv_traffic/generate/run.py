"""A whole run: load the document, plan, send, and tell what came back.

`generate` is for programs that have no event loop, `run` for those that have one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice

from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.ids import IdPool
from perfectcv_traffic.generate.loops import Item, Loop
from perfectcv_traffic.generate.marks import new_run_id
from perfectcv_traffic.generate.operations import LeftOut
from perfectcv_traffic.generate.options import Options
from perfectcv_traffic.generate.outcome import Outcome
from perfectcv_traffic.generate.own import own_ids_of
from perfectcv_traffic.generate.pace import Pacer, Schedule, Stage
from perfectcv_traffic.generate.prepare import Prepared, prepare
from perfectcv_traffic.generate.punctual import punctual_loop
from perfectcv_traffic.generate.rapid import RapidSender
from perfectcv_traffic.generate.replay import Recording, Replay, permitted, turns
from perfectcv_traffic.generate.send import Sender
from perfectcv_traffic.generate.session import Session
from perfectcv_traffic.generate.setup_sender import Setup
from perfectcv_traffic.generate.target import open_target
from perfectcv_traffic.generate.traffic import Traffic

MAX_IN_FLIGHT = 1000
"""At a constant rate: requests under way beyond which due ones are skipped, and counted."""


KEPT = 0.99
"""The share of due requests that must be sent in time."""
LATE_SECONDS = 0.1
BUSY = 0.8
"""The share of one core from which the client itself may be what is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Session):
    """The traffic that was sent."""

    planned: int
    is_complete: bool
    """Every planned request was sent; false after Ctrl-C."""
    sending_seconds: float = 0.0
    """Until nothing more was to be sent: without the wait for the last answers."""
    skipped: int = 0
    """Requests that were due at a constant rate while too many were under way."""
    stages: tuple[Stage, ...] = ()
    """The rates of an open loop; without them it was a closed one."""
    concurrency: int = 1
    cpu_seconds: float = 0.0
    """What this process worked while it sent; near `seconds` it was the bottleneck itself."""

    @property
    def model(self) -> str:
        """Who decides when a request is sent: the clock, or the answers before it."""
        if not self.stages:
            return f"closed loop, {self.concurrency} at once"
        rates = ", then ".join(f"{one.rate:g}/s" for one in self.stages)
        return f"open loop at {rates}"

    @property
    def trouble(self) -> str | None:
        """Why the figures are not those of the API alone."""
        due = self.sent + self.skipped
        if self.skipped and self.sent < KEPT * due:
            return f"could not keep the rate: {self.skipped:,} of {due:,} due requests skipped"
        late = sum(one.waited > LATE_SECONDS for one in self.outcomes)
        if late > (1 - KEPT) * due:
            return f"could not keep the rate: {late:,} of {due:,} requests were sent late"
        if self.cpu_seconds > BUSY * self.seconds:
            return "this client was busy all the time: the API may be faster than it says"
        return None

    @property
    def sent(self) -> int:
        """Requests sent, those included that the end of the run cut off."""
        return len(self.outcomes)

    @property
    def rate(self) -> float:
        """Requests sent a second."""
        return self.sent / self.sending_seconds if self.sending_seconds else 0.0

    @property
    def surprises(self) -> tuple[Outcome, ...]:
        """What did not come back as expected."""
        return tuple(one for one in self.outcomes if not one.as_expected)


def until(plan: Iterator[Item], seconds: float) -> Iterator[Item]:
    """The plan for as long as `seconds` have not passed since the first request."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end and (item := next(plan, None)) is not None:
        yield item


def generate(
    target: str,
    options: Options | None = None,
    *,
    credentials: Credentials | None = None,
    recording: Recording | None = None,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> Run:
    """Send test traffic to the API at `target`, or a recording; Ctrl-C while sending returns what
    was sent."""
    job = _Job(target, options or Options(), credentials or Credentials(), on_outcome, recording)
    with asyncio.Runner(loop_factory=punctual_loop) as runner:
        return runner.run(job.perform(returns_when_cancelled=True))


async def run(
    target: str,
    options: Options | None = None,
    *,
    credentials: Credentials | None = None,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> Run:
    """As `generate`, in a running event loop; cancelling it raises once every outcome is told."""
    job = _Job(target, options or Options(), credentials or Credentials(), on_outcome)
    return await job.perform(returns_when_cancelled=False)


@dataclass(frozen=True, slots=True)
class _Job:
    target: str
    options: Options
    credentials: Credentials
    on_outcome: Callable[[Outcome], None] | None
    recording: Recording | None = None

    async def perform(self, *, returns_when_cancelled: bool) -> Run:
        options = self.options
        if self.recording is not None:
            return await self.repeat(self.recording, returns_when_cancelled=returns_when_cancelled)
        target = open_target(self.target, options.allow_hosts)
        run_id = options.run_id or new_run_id()
        async with Sender(timeout=options.timeout) as sender:
            setup = Setup(sender=sender, run_id=run_id, allow_hosts=options.allow_hosts)
            prepared = await prepare(setup, target, options, self.credentials)
        async with RapidSender(timeout=options.timeout) as rapid:
            traffic = self.traffic(prepared, rapid, run_id)
            plan = prepared.plan(options.seed)
            with suppressed(asyncio.CancelledError, when=returns_when_cancelled):
                await self.send(traffic, plan)
        run = self.result(traffic, prepared.base, prepared.planned, prepared.left_out)
        return replace(run, setup_ids=tuple(setup.request_ids))

    async def repeat(self, recording: Recording, *, returns_when_cancelled: bool) -> Run:
        options = self.options
        recording = permitted(recording, options.selection, options.allow_hosts)
        planned = options.requests
        if planned is None and options.seconds is None:
            planned = len(recording.requests)
        async with RapidSender(timeout=options.timeout) as rapid:
            run_id = options.run_id or new_run_id()
            replay = Replay(sender=rapid, run_id=run_id, on_outcome=self.on_outcome)
            with suppressed(asyncio.CancelledError, when=returns_when_cancelled):
                await self.send(replay, islice(turns(recording), planned))
        return self.result(replay, self.target, planned, recording.left_out)

    async def send(self, loop: Loop[Item], plan: Iterator[Item]) -> None:
        options = self.options
        if options.seconds is not None:
            plan = until(plan, options.seconds)
        if not options.schedule:
            pacer = Pacer(options.delay)
            await loop.send_all(plan, workers=options.concurrency, pacer=pacer)
            return
        schedule = Schedule(options.schedule)
        await loop.send_at_rate(plan, schedule=schedule, most_in_flight=MAX_IN_FLIGHT)

    def traffic(self, prepared: Prepared, sender: RapidSender, run_id: str) -> Traffic:
        ids = IdPool(prepared.producers)
        ids.deletes_existing = self.options.selection.delete_existing
        ids.own |= own_ids_of(prepared.credentials.token)
        return Traffic(
            sender=sender,
            base=prepared.base,
            run_id=run_id,
            credentials=prepared.credentials,
            ids=ids,
            on_outcome=self.on_outcome,
        )

    def result(
        self, loop: Loop[Item], target: str, planned: int | None, left_out: tuple[LeftOut, ...]
    ) -> Run:
        return Run(
            run_id=loop.run_id,
            target=target,
            seed=self.options.seed,
            planned=len(loop.outcomes) if planned is None else planned,
            outcomes=tuple(loop.outcomes),
            left_out=left_out,
            setup_ids=(),
            is_complete=loop.is_complete,
            seconds=loop.seconds,
            sending_seconds=loop.sending_seconds,
            skipped=loop.skipped,
            stages=self.options.schedule,
            concurrency=self.options.concurrency,
            cpu_seconds=loop.cpu_seconds,
        )


@contextmanager
def suppressed(error: type[BaseException], *, when: bool) -> Iterator[None]:
    """Go on after an error of this kind, if so wished."""
    try:
        yield
    except error:
        if not when:
            raise
