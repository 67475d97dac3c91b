"""What a probe run would send, without sending it: ids and baselines are not known yet."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import msgspec

from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.openapi import Document
from perfectcv_traffic.generate.operations import Operation
from perfectcv_traffic.generate.probe.choices import AUTH, NULL
from perfectcv_traffic.generate.probe.drafting import Drafter
from perfectcv_traffic.generate.probe.holes import Hole, body_holes, reading_holes
from perfectcv_traffic.generate.probe.rungs import low_role_rungs, rung_of_none, rungs, units_of


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One request to come."""

    method: str
    path: str
    scenario: str
    case: str


def preview(
    document: Document,
    operations: Iterable[Operation],
    credentials: Credentials,
    drafter: Drafter,
    suites: Collection[str],
) -> Iterator[Step]:
    """Every request by operation; the number of attempts at a valid one is not known before."""
    for operation in operations:
        yield _step(operation, "valid", "valid request")
        if operation.is_secured and AUTH in suites:
            yield from _rungs(operation, credentials)
        attempt = drafter.attempt(operation, 0, is_full=True)
        if operation.method != "DELETE" and attempt is not None and NULL in suites:
            yield from _holes(operation, reading_holes(operation))
            yield from _holes(operation, body_holes(document, attempt.draft))


def _rungs(operation: Operation, credentials: Credentials) -> Iterator[Step]:
    found = [rung_of_none()]
    for unit in units_of(operation):
        found += rungs(unit, credentials, "canary")
    found += low_role_rungs(operation, credentials)
    for rung in found:
        yield _step(operation, rung.kind.scenario, rung.label)


def _holes(operation: Operation, holes: Iterable[Hole]) -> Iterator[Step]:
    for hole in holes:
        yield _step(operation, hole.scenario, hole.label)


def _step(operation: Operation, scenario: str, case: str) -> Step:
    return Step(method=operation.method, path=operation.path, scenario=scenario, case=case)
