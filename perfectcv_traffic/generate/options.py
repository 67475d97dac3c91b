"""Everything a run can be told, checked once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.generate import defaults
from perfectcv_traffic.generate.marks import check_run_id
from perfectcv_traffic.generate.pace import Stage
from perfectcv_traffic.generate.scenarios import scenarios_named
from perfectcv_traffic.generate.selection import Selection

MAX_WEIGHT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a run goes; the defaults read only, on this machine only."""

    requests: int | None = defaults.REQUESTS
    """How many; `None` is each scenario of each operation once."""
    duration: float | None = None
    """Seconds to send for; `requests` ends it earlier if both are given."""
    rate: float | None = None
    """Requests a second, sent when due whether others are answered or not."""
    stages: tuple[Stage, ...] = ()
    """One constant rate after the other; they say how long, too."""
    delay: float = defaults.DELAY
    """Seconds between the starts of two requests, over all workers."""
    concurrency: int = defaults.CONCURRENCY
    seed: int = defaults.SEED
    timeout: float = defaults.TIMEOUT
    """Seconds for a whole exchange."""
    scenarios: tuple[str, ...] = ()
    """Narrows to these; all when empty."""
    weights: Mapping[str, int] = field(default_factory=dict)
    """How often a scenario is played in each round, if not once."""
    selection: Selection = field(default_factory=Selection)
    allow_hosts: tuple[str, ...] = ()
    """Host names or addresses beyond loopback that may be sent to."""
    openapi: str | None = None
    """File or URL of the document; else it is looked for at the target."""
    run_id: str | None = None

    @property
    def schedule(self) -> tuple[Stage, ...]:
        """The rates of an open loop; empty for a closed one."""
        if self.stages or self.rate is None:
            return self.stages
        return (Stage(math.inf, self.rate),)

    @property
    def seconds(self) -> float | None:
        """For how long to send."""
        return sum(one.seconds for one in self.stages) if self.stages else self.duration

    def __post_init__(self) -> None:
        self._check_figures()
        self._check_pace()
        scenarios_named((*self.scenarios, *self.weights))
        for name, weight in self.weights.items():
            if not 1 <= weight <= MAX_WEIGHT:
                raise UsageError(f"scenario {name}={weight}: give a weight of 1 to {MAX_WEIGHT}")
        if self.run_id is not None:
            check_run_id(self.run_id)

    def _check_figures(self) -> None:
        if self.requests is not None and self.requests < 1:
            raise UsageError(f"requests {self.requests}: give at least 1")
        if not 1 <= self.concurrency <= defaults.MAX_CONCURRENCY:
            most = defaults.MAX_CONCURRENCY
            raise UsageError(f"concurrency {self.concurrency}: give 1 to {most}")
        if not (self.timeout > 0 and math.isfinite(self.timeout)):
            raise UsageError(f"timeout {self.timeout}: give seconds, more than 0")

    def _check_pace(self) -> None:
        for name, value in (("duration", self.duration), ("rate", self.rate)):
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise UsageError(f"{name} {value}: give more than 0")
        if not (self.delay >= 0 and math.isfinite(self.delay)):
            raise UsageError(f"delay {self.delay}: give seconds, 0 or more")
        if self.stages and (self.rate is not None or self.duration is not None):
            raise UsageError("--stages has rates and times of its own: no --rate, no --duration")
