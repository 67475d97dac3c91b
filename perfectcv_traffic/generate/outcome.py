"""What came back for each request, against what was expected, and the tally per scenario."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from perfectcv_traffic.generate.answer import Answer
from perfectcv_traffic.generate.encoding import WireRequest
from perfectcv_traffic.generate.plan import Planned

INTERRUPTED = "interrupted"
"""The error of a request that was under way when the run was stopped: it may have arrived."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One request and what came back; it holds no secret."""

    request_id: str
    scenario: str
    method: str
    path: str
    """The path template of the document."""
    url_path: str
    """The path that was asked for, without query."""
    pointer: str | None
    """Where the request differs from a valid one: `/query/page`, `/body/team/name`."""
    status: int | None
    error: str | None
    """Why there is no answer, or only a part of one."""
    seconds: float
    """From the sending to the whole answer."""
    expected: str
    as_expected: bool
    waited: float = 0.0
    """Seconds between the time it was due and the time it was sent: the client's own delay."""

    @property
    def response_seconds(self) -> float:
        """What a user who came when it was due would have waited: nothing is omitted."""
        return self.waited + self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioTally:
    """The outcomes of one scenario, counted."""

    scenario: str
    sent: int
    as_expected: int
    by_status: dict[int, int]
    by_error: dict[str, int]
    """Requests without a status."""

    @property
    def surprises(self) -> int:
        """Requests that did not come back as expected."""
        return self.sent - self.as_expected


def judge(
    planned: Planned, request: WireRequest, answer: Answer, request_id: str, waited: float = 0.0
) -> Outcome:
    """The outcome of one exchange; without a status nothing is as expected."""
    operation = planned.draft.operation
    expectation = planned.scenario.expects(operation)
    return Outcome(
        request_id=request_id,
        scenario=planned.scenario.name,
        method=operation.method,
        path=operation.path,
        url_path=request.path,
        pointer=planned.pointer,
        status=answer.status,
        error=answer.error,
        seconds=answer.seconds,
        expected=expectation.text,
        as_expected=answer.status is not None and answer.status in expectation.statuses,
        waited=waited,
    )


def tally(outcomes: Iterable[Outcome]) -> tuple[ScenarioTally, ...]:
    """The outcomes counted per scenario, by its name."""
    grouped: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        grouped.setdefault(outcome.scenario, []).append(outcome)
    return tuple(_tally(name, grouped[name]) for name in sorted(grouped))


def _tally(scenario: str, outcomes: list[Outcome]) -> ScenarioTally:
    statuses = Counter(one.status for one in outcomes if one.status is not None)
    errors = Counter(one.error or "" for one in outcomes if one.status is None)
    return ScenarioTally(
        scenario=scenario,
        sent=len(outcomes),
        as_expected=sum(one.as_expected for one in outcomes),
        by_status=dict(sorted(statuses.items())),
        by_error=dict(sorted(errors.items())),
    )
