"""Latencies per operation and scenario, with exact percentiles: every request counts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from perfectcv_traffic import ranks
from perfectcv_traffic.generate.outcome import Outcome

PERMILLES = (500, 900, 950, 990, 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """The answered requests of one operation in one scenario, in milliseconds."""

    operation: str
    scenario: str
    requests: int
    mean: float
    quantiles: tuple[float, ...]
    """For each of `PERMILLES`."""


def latencies(outcomes: Iterable[Outcome]) -> tuple[Latency, ...]:
    """By operation and scenario; a request that was due earlier than sent counts from then."""
    grouped: dict[tuple[str, str], list[float]] = {}
    for one in outcomes:
        if one.status is not None:
            key = (f"{one.method} {one.path}", one.scenario)
            grouped.setdefault(key, []).append(one.response_seconds * 1000)
    return tuple(
        _latency(operation, scenario, sorted(grouped[operation, scenario]))
        for operation, scenario in sorted(grouped)
    )


def _latency(operation: str, scenario: str, ordered: list[float]) -> Latency:
    return Latency(
        operation=operation,
        scenario=scenario,
        requests=len(ordered),
        mean=math.fsum(ordered) / len(ordered),
        quantiles=tuple(ranks.quantile(ordered, one) for one in PERMILLES),
    )
