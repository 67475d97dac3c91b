"""One probe sent: numbered, paced, repeated on 429."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec

from perfectcv_traffic.generate.answer import Answer, Sends
from perfectcv_traffic.generate.credential_variants import Presented
from perfectcv_traffic.generate.draft import Draft
from perfectcv_traffic.generate.encoding import WireRequest, encode
from perfectcv_traffic.generate.marks import marks, request_id
from perfectcv_traffic.generate.openapi import Json
from perfectcv_traffic.generate.operations import Operation
from perfectcv_traffic.generate.outcome import INTERRUPTED, Outcome
from perfectcv_traffic.generate.pace import Pacer
from perfectcv_traffic.generate.probe.budget import Budget, GivenUp
from perfectcv_traffic.generate.statuses import SUCCESS, TOO_MANY_REQUESTS

MAX_TRIES: Final = 3
MAX_RETRY_SECONDS: Final = 60.0
DEFAULT_RETRY_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request to send, and what it is for."""

    scenario: str
    label: str
    draft: Draft
    ids: Mapping[str, str]
    presented: Presented
    expected: str
    expects: Callable[[int], bool]
    pointer: str | None = None
    number: str = ""

    @property
    def operation(self) -> Operation:
        """The operation that is called."""
        return self.draft.operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A case with its answer."""

    case: Case
    request: WireRequest
    answer: Answer

    @property
    def status(self) -> int | None:
        """The status, if there was an answer."""
        return self.answer.status

    @property
    def succeeded(self) -> bool:
        """Whether the answer was 2xx."""
        return self.answer.status in SUCCESS

    @property
    def text(self) -> str:
        """The answer in short: its status, or why there is none."""
        return str(self.answer.status) if self.answer.status is not None else str(self.answer.error)

    def json(self) -> Json:
        """The decoded body; None unless it is whole JSON."""
        if not self.answer.is_whole:
            return None
        try:
            return msgspec.json.decode(self.answer.body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return None


@dataclass(slots=True, kw_only=True)
class Prober:
    """Sends cases one after the other, unless its user starts several."""

    sender: Sends
    base: str
    run_id: str
    budget: Budget
    pacer: Pacer
    on_reply: Callable[[Reply], None]
    on_outcome: Callable[[Outcome], None] | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    _numbered: int = 0

    def number(self) -> str:
        """The number of the next case."""
        self._numbered += 1
        return str(self._numbered)

    def encode(self, case: Case) -> WireRequest:
        """The request of a case."""
        return encode(
            case.draft,
            base=self.base,
            ids=case.ids,
            presented=case.presented,
            marks=marks(self.run_id, case.number, case.scenario),
        )

    async def send(self, case: Case) -> Reply:
        """Send a case; a 429 is obeyed and the request repeated. Raises `Stopped`."""
        numbered = case if case.number else replace(case, number=self.number())
        for attempt in range(1, MAX_TRIES + 1):
            again = numbered if attempt == 1 else _repeated(numbered, attempt)
            reply = await self._send_once(again)
            if reply.status != TOO_MANY_REQUESTS or attempt == MAX_TRIES:
                break
            await self._wait(reply.answer)
        return reply

    async def _send_once(self, case: Case) -> Reply:
        await self.pacer.wait()
        self.budget.take()
        request = self.encode(case)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self.budget.seconds_left):
                answer = await self.sender.send(request)
        except (asyncio.CancelledError, TimeoutError) as cut:
            # It may have arrived: what was recorded is compared with what was sent.
            is_late = isinstance(cut, TimeoutError)
            why = "no whole answer when the time of the run was over" if is_late else INTERRUPTED
            answer = Answer(error=why, seconds=time.perf_counter() - started)
            self._note(Reply(case=case, request=request, answer=answer))
            if is_late:
                raise self.budget.out_of_time() from cut
            raise
        self.budget.note(answer.status, case.operation.key)
        reply = Reply(case=case, request=request, answer=answer)
        self._note(reply)
        self.on_reply(reply)
        return reply

    async def _wait(self, answer: Answer) -> None:
        seconds = retry_seconds(answer.headers)
        if seconds >= self.budget.seconds_left:
            raise GivenUp(
                f"the API asks to wait {seconds:g} s (429), which --max-seconds leaves no time for"
            )
        await asyncio.sleep(seconds)

    def _note(self, reply: Reply) -> None:
        case, answer = reply.case, reply.answer
        outcome = Outcome(
            request_id=request_id(self.run_id, case.number),
            scenario=case.scenario,
            method=case.operation.method,
            path=case.operation.path,
            url_path=reply.request.path,
            pointer=case.pointer,
            status=answer.status,
            error=answer.error,
            seconds=answer.seconds,
            expected=case.expected,
            as_expected=answer.status is not None and case.expects(answer.status),
        )
        self.outcomes.append(outcome)
        if self.on_outcome is not None:
            self.on_outcome(outcome)


def retry_seconds(headers: Mapping[str, str]) -> float:
    """What `Retry-After` asks for, clamped; a date counts as the usual second."""
    try:
        seconds = float(headers.get("retry-after", DEFAULT_RETRY_SECONDS))
    except ValueError:
        seconds = DEFAULT_RETRY_SECONDS
    return (
        min(max(seconds, 0.0), MAX_RETRY_SECONDS) if math.isfinite(seconds) else MAX_RETRY_SECONDS
    )


def evidence(replies: Iterable[Reply]) -> tuple[str, ...]:
    """The numbers of the cases."""
    return tuple(reply.case.number for reply in replies)


def _repeated(case: Case, attempt: int) -> Case:
    return replace(case, number=f"{case.number}.{attempt}")
