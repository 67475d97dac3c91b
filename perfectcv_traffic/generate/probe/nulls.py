"""One hole after another: crash, acceptance and slowness judged against the valid request."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from perfectcv_traffic.generate.openapi import Json
from perfectcv_traffic.generate.probe.baseline import Baseline, HappyPath
from perfectcv_traffic.generate.probe.exchange import Case, Prober, Reply
from perfectcv_traffic.generate.probe.findings import Ledger, Sign, Verdict
from perfectcv_traffic.generate.probe.holes import Hole, with_hole
from perfectcv_traffic.generate.probe.refusal import REFUSALS
from perfectcv_traffic.generate.statuses import CONFLICT, SERVER_ERRORS, TOO_MANY_REQUESTS

PATIENCE_SECONDS: Final = 0.25
"""After which the next probe is sent beside one that is not answered yet."""
MAX_BESIDE: Final = 8
SLOW_FACTOR: Final = 5
_NO_SUCH_PLACE: Final = (KeyError, IndexError, AttributeError, TypeError)
Result = TypeVar("Result")


@dataclass(slots=True)
class NullProbes:
    """Sends requests with a hole, and judges the answers."""

    prober: Prober
    ledger: Ledger
    happy_path: HappyPath
    slow: float
    _renewed: int = 0
    _beside: list[asyncio.Task[None]] = field(default_factory=list)
    _tasks: list[asyncio.Task[Any]] = field(default_factory=list)
    _alone: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def probe(self, baseline: Baseline, holes: Iterable[Hole]) -> None:
        """Every hole of one operation; what is slow goes on beside the next."""
        for hole in holes:
            if not baseline.is_good:
                for rule in _rules(hole):
                    self.ledger.note(
                        rule, baseline.case.operation, Verdict.INCONCLUSIVE, baseline.why_not
                    )
                return
            await self._probe(baseline, hole)

    async def finish(self) -> None:
        """Wait for what is still beside."""
        while self._beside:
            await self._beside.pop(0)

    async def cancel(self) -> None:
        """Leave what is still under way; why any of it ended is not asked any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        task = asyncio.create_task(work)
        self._tasks.append(task)
        return task

    async def _probe(self, baseline: Baseline, hole: Hole) -> None:
        case = replace(self._with_hole(baseline, hole), number=self.prober.number())
        sending = self._begin(self.prober.send(case))
        done, _ = await asyncio.wait({sending}, timeout=PATIENCE_SECONDS)
        if done:
            reply = await self._without_conflict(baseline, hole, await sending)
            await self._judge(baseline, hole, reply)
            return
        self._beside.append(self._begin(self._follow(baseline, hole, case, sending)))
        if len(self._beside) > MAX_BESIDE:
            await self._beside.pop(0)

    async def _follow(
        self, baseline: Baseline, hole: Hole, case: Case, sending: asyncio.Task[Reply]
    ) -> None:
        """Wait for a slow answer; on the way the confirmation is begun, with the control beside."""
        done, _ = await asyncio.wait({sending}, timeout=max(0.0, self.slow / 2 - PATIENCE_SECONDS))
        if done:
            await self._judge(baseline, hole, await sending)
            return
        again = self._begin(self.prober.send(replace(case, number=f"{case.number}.again")))
        control = await self._control(baseline, case)
        first, second = await sending, await again
        await self._judge(baseline, hole, first)
        if await self._is_slow(first, second, control, baseline):
            self._accuse_slow(baseline, hole, second)

    async def _is_slow(
        self, first: Reply, second: Reply, control: Reply, baseline: Baseline
    ) -> bool:
        least = min(first.answer.seconds, second.answer.seconds)
        if least <= self.slow:
            return False
        if control.succeeded and control.answer.seconds * SLOW_FACTOR < least:
            return True
        # The slow request kept everyone waiting, the control too: one at a time, then.
        async with self._alone:
            alone = await self._control(baseline, first.case)
            last = await self.prober.send(replace(first.case, number=f"{first.case.number}.alone"))
        limit = max(self.slow, alone.answer.seconds * SLOW_FACTOR)
        return alone.succeeded and last.answer.seconds > limit

    async def _control(self, baseline: Baseline, case: Case) -> Reply:
        number = f"{case.number}.control{len(self.prober.outcomes)}"
        return await self.prober.send(replace(baseline.case, number=number))

    def _with_hole(self, baseline: Baseline, hole: Hole) -> Case:
        """The valid request with a hole; a creation with texts of its own, that it be no second
        one of the same name."""
        if baseline.case.operation.method == "POST":
            with contextlib.suppress(*_NO_SUCH_PLACE):
                return with_hole(self._anew(baseline), hole)
        return with_hole(baseline.case, hole)

    def _anew(self, baseline: Baseline) -> Case:
        """The valid request with other made-up texts, as far as it was made up."""
        self._renewed += 1
        if baseline.attempt is None:
            return baseline.case
        drafter = self.happy_path.drafter
        other = drafter.again(baseline.attempt, str(self._renewed))
        return baseline.case if other is None else replace(baseline.case, draft=other.draft)

    async def _without_conflict(self, baseline: Baseline, hole: Hole, reply: Reply) -> Reply:
        """A 409 says that such an object is there already: once more with other made-up texts."""
        if reply.status != CONFLICT:
            return reply
        try:
            return await self.prober.send(with_hole(self._anew(baseline), hole))
        except _NO_SUCH_PLACE:
            return reply

    async def _judge(self, baseline: Baseline, hole: Hole, reply: Reply) -> None:
        operation, status = reply.case.operation, reply.status
        if status is None or status == TOO_MANY_REQUESTS or status in REFUSALS:
            for rule in _rules(hole):
                reason = f"{hole.label}: answered {reply.text}"
                self.ledger.note(rule, operation, Verdict.INCONCLUSIVE, reason)
            return
        for rule in _rules(hole):
            self.ledger.note(rule, operation, Verdict.PASSED)
        if status in SERVER_ERRORS:
            await self._accuse_crash(baseline, hole, reply)
        elif reply.succeeded and hole.is_forbidden:
            self._accuse_accepted(baseline, hole, reply)
        if reply.succeeded:
            self.happy_path.learn(reply)

    async def _accuse_crash(self, baseline: Baseline, hole: Hole, reply: Reply) -> None:
        crash = await self._confirmed(baseline, hole, reply)
        if crash is None:
            reason = "the valid request fails as well by now, or the null alone does not crash it"
            self.ledger.note("PT201", reply.case.operation, Verdict.INCONCLUSIVE, reason)
            return
        self.ledger.accuse(
            Sign(
                rule="PT201",
                reply=crash,
                pointer=hole.pointer,
                expected="2xx, or a 4xx that names the field",
                observed=f"answered {crash.text} to: {hole.label}",
                control=baseline.reply,
            )
        )

    async def _confirmed(self, baseline: Baseline, hole: Hole, crash: Reply) -> Reply | None:
        """A crash that is the null's: the valid request is answered, and the null crashes again."""
        # What a creation makes may be there already, also from an earlier run: once proves nothing.
        if baseline.case.operation.method == "POST" or not await self._is_answered(
            baseline, anew=False
        ):
            return await self._crash_anew(baseline, hole)
        # Nor where a server is overloaded now and then.
        again = await self.prober.send(replace(crash.case, number=""))
        return crash if again.status in SERVER_ERRORS else None

    async def _crash_anew(self, baseline: Baseline, hole: Hole) -> Reply | None:
        """The crash once more with texts that nothing has yet; None if those crash by themselves,
        or not at all.

        What was sent before may be why: a second object of the same name, a record that broke.
        """
        if baseline.case.operation.method not in ("POST", "PUT", "PATCH"):
            return None
        if not await self._is_answered(baseline, anew=True):
            return None
        try:
            again = await self.prober.send(with_hole(self._anew(baseline), hole))
        except _NO_SUCH_PLACE:
            return None
        return again if again.status in SERVER_ERRORS else None

    async def _is_answered(self, baseline: Baseline, *, anew: bool) -> bool:
        """Whether a request without the hole is still answered as before."""
        case = self._anew(baseline) if anew else baseline.case
        control = await self.prober.send(replace(case, number=""))
        return control.succeeded or control.status == CONFLICT

    def _accuse_accepted(self, baseline: Baseline, hole: Hole, reply: Reply) -> None:
        stored = " and gave the null back" if _comes_back(hole, reply.json()) else ""
        self.ledger.accuse(
            Sign(
                rule="PT202",
                reply=reply,
                pointer=hole.pointer,
                expected="4xx: the field is not nullable",
                observed=f"answered {reply.text}{stored} to: {hole.label}",
                control=baseline.reply,
            )
        )

    def _accuse_slow(self, baseline: Baseline, hole: Hole, reply: Reply) -> None:
        self.ledger.accuse(
            Sign(
                rule="PT204",
                reply=reply,
                pointer=hole.pointer,
                expected=f"an answer within {self.slow:g} s",
                observed=f"took over {self.slow:g} s, again when repeated, to: {hole.label}",
                control=baseline.reply,
            )
        )


def _rules(hole: Hole) -> tuple[str, ...]:
    return ("PT201", "PT202", "PT204") if hole.is_forbidden else ("PT201", "PT204")


def _comes_back(hole: Hole, answer: Json) -> bool:
    for step in hole.place[1:]:
        if isinstance(step, int):
            is_there = isinstance(answer, list) and step < len(answer)
        else:
            is_there = isinstance(answer, dict) and step in answer
        if not is_there:
            return False
        answer = answer[step]
    return answer is None and len(hole.place) > 1
