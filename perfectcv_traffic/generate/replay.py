"""Requests that stand as they are, from a file of targets or from a log, sent again.

They pass the rules of every run: methods, risky paths and hosts are left out with a reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.generate.answer import Answer
from perfectcv_traffic.generate.encoding import WireRequest
from perfectcv_traffic.generate.loops import Loop, waited
from perfectcv_traffic.generate.marks import marks, request_id
from perfectcv_traffic.generate.operations import METHODS, LeftOut, Operation
from perfectcv_traffic.generate.outcome import Outcome
from perfectcv_traffic.generate.scenarios import NO_CRASH
from perfectcv_traffic.generate.selection import Selection, why_left_out
from perfectcv_traffic.generate.target import check_host, parse_address
from perfectcv_traffic.record import REQUEST_ID_HEADER, RUN_ID_HEADER, SCENARIO_HEADER

SCENARIO: Final = "replay"
_OWN: Final = frozenset(
    {"connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding"}
    | {"upgrade", "user-agent"}
    | {name.lower() for name in (REQUEST_ID_HEADER, RUN_ID_HEADER, SCENARIO_HEADER)}
)
"""Headers that the client writes itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One request to repeat; all but method and path may hold secrets and is in no `repr`."""

    method: str
    path: str
    """The path template where it is known, else the path."""
    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False, default_factory=dict)
    content: bytes | None = field(repr=False, default=None)
    scenario: str = SCENARIO
    status: int | None = None
    """What it was answered with; None where that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The requests to repeat, and those that cannot be."""

    requests: tuple[Recorded, ...]
    left_out: tuple[LeftOut, ...] = ()


def permitted(recording: Recording, selection: Selection, hosts: Collection[str]) -> Recording:
    """What of a recording may be sent. Raises `UsageError` if nothing is left, or for a host."""
    kept: list[Recorded] = []
    left_out = [*recording.left_out]
    for one in recording.requests:
        reason = _why_not(one, selection)
        if reason is None:
            kept.append(one)
        else:
            left_out.append(LeftOut(method=one.method, path=one.path, reason=reason))
    for origin in {one.url.partition("?")[0].split("/", 3)[2]: one.url for one in kept}.values():
        check_host(parse_address(origin.partition("?")[0]), hosts)
    if not kept:
        reasons = sorted({one.reason for one in left_out}) or ["it holds no requests"]
        raise UsageError(f"nothing to replay: {'; '.join(reasons[:3])}")
    return Recording(requests=tuple(kept), left_out=tuple(left_out))


def _why_not(recorded: Recorded, selection: Selection) -> str | None:
    if recorded.method not in METHODS:
        return "method is not one of HTTP's usual ones"
    if recorded.method == "DELETE" and selection.allow_deletes and not selection.delete_existing:
        return "deletes what the run did not create: --delete-existing"
    operation = Operation(method=recorded.method, path=recorded.path)
    return why_left_out(operation, selection, is_known=False)


@dataclass(frozen=True, slots=True)
class _Turn:
    recorded: Recorded
    number: int
    after: tuple[int, ...] = ()


def turns(recording: Recording) -> Iterator[_Turn]:
    """The requests in their order, over and over."""
    numbers = count(1)
    while recording.requests:
        yield from (_Turn(one, next(numbers)) for one in recording.requests)


@dataclass(slots=True, kw_only=True)
class Replay(Loop[_Turn]):
    """Recorded requests while they are sent."""

    async def perform(self, item: _Turn, *, due: float | None = None) -> None:
        """Send one request and note what came back."""
        recorded = item.recorded
        request = WireRequest(
            method=recorded.method,
            path=recorded.path,
            url=recorded.url,
            headers=recorded.headers | marks(self.run_id, item.number, recorded.scenario),
            content=recorded.content,
        )

        def note(answer: Answer, started: float) -> None:
            self.keep(self._outcome(item, answer, waited(started, due)))

        await self.exchange(request, note)

    def _outcome(self, item: _Turn, answer: Answer, late: float) -> Outcome:
        recorded, status = item.recorded, answer.status
        is_known = recorded.status is not None
        surprises_nobody = status == recorded.status if is_known else status in NO_CRASH.statuses
        return Outcome(
            request_id=request_id(self.run_id, item.number),
            scenario=recorded.scenario,
            method=recorded.method,
            path=recorded.path,
            url_path=recorded.path,
            pointer=None,
            status=status,
            error=answer.error,
            seconds=answer.seconds,
            expected=f"{recorded.status}, as recorded" if is_known else NO_CRASH.text,
            as_expected=status is not None and surprises_nobody,
            waited=late,
        )


def sendable_headers(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers to repeat: not those that the client writes itself."""
    return {name: value for name, value in pairs if name.lower() not in _OWN}
