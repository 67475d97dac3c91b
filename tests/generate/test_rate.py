"""An open loop sends when a request is due, and counts the time from then."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.generate.latency import latencies
from perfectcv_traffic.generate.options import Options
from perfectcv_traffic.generate.outcome import Outcome
from perfectcv_traffic.generate.pace import Schedule, Stage, parse_stages
from perfectcv_traffic.generate.run import generate


def _outcome(seconds: float, *, waited: float = 0.0, status: int | None = 200) -> Outcome:
    return Outcome(
        request_id="r-1",
        scenario="valid",
        method="GET",
        path="/a",
        url_path="/a",
        pointer=None,
        status=status,
        error=None,
        seconds=seconds,
        expected="",
        as_expected=True,
        waited=waited,
    )


class Clock:
    """A clock that stands still but for sleeping."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 1e-6)


def test_requests_are_due_at_equal_distances_even_after_a_pause() -> None:
    clock = Clock()
    schedule = Schedule([Stage(1, 10)], clock=clock, sleep=clock.sleep)

    async def dues() -> list[float]:
        found = [await schedule.next_due(), await schedule.next_due()]
        clock.now += 0.5
        return [*found, *[await schedule.next_due() for _ in range(3)]]

    assert asyncio.run(dues()) == pytest.approx([100.0, 100.1, 100.2, 100.3, 100.4])


def test_response_time_counts_from_when_a_request_was_due() -> None:
    (found,) = latencies([_outcome(0.010, waited=0.090), _outcome(0.010)])
    assert found.requests == 2
    assert found.mean == pytest.approx(55.0)
    assert found.quantiles[-1] == pytest.approx(100.0)


def test_request_without_an_answer_has_no_response_time() -> None:
    assert latencies([_outcome(1.0, status=None)]) == ()


def test_run_at_a_rate_sends_every_planned_request(api: str) -> None:
    finished = generate(api, Options(requests=20, rate=2000.0, scenarios=("valid",)))
    assert (finished.sent, finished.skipped, finished.is_complete) == (20, 0, True)


def test_run_ends_when_its_time_is_over(api: str) -> None:
    finished = generate(api, Options(requests=None, duration=0.05, scenarios=("valid",)))
    assert finished.is_complete
    assert finished.sent == finished.planned >= 1


def test_stages_follow_each_other_each_at_its_rate() -> None:
    clock = Clock()
    schedule = Schedule(parse_stages("1s@2,1@4/s"), clock=clock, sleep=clock.sleep)

    async def dues() -> list[float]:
        return [await schedule.next_due() for _ in range(7)]

    assert asyncio.run(dues()) == pytest.approx([100, 100.5, 101, 101.25, 101.5, 101.75, 102])


@pytest.mark.parametrize("text", ["", "10s", "0s@5", "1s@0", "1s@5,", "a@b"])
def test_stages_that_cannot_be_read_are_said(text: str) -> None:
    with pytest.raises(UsageError, match="--stages"):
        parse_stages(text)


def test_scenario_with_a_weight_is_played_so_often_in_each_round(api: str) -> None:
    scenarios = ("valid", "null_query")
    options = Options(requests=None, scenarios=scenarios, weights={"valid": 3})
    played = [one.scenario for one in generate(api, options).outcomes]
    paths = {one.path for one in generate(api, options).outcomes if one.scenario == "valid"}
    assert played.count("valid") == 3 * len(paths)


def test_run_tells_its_model_and_what_makes_its_figures_doubtful(api: str) -> None:
    finished = generate(api, Options(requests=20, rate=2000.0, scenarios=("valid",)))
    assert finished.model == "open loop at 2000/s"
    assert replace(finished, skipped=5).trouble == (
        "could not keep the rate: 5 of 25 due requests skipped"
    )
    busy = replace(finished, seconds=1.0, cpu_seconds=0.9, outcomes=())
    assert busy.trouble == "this client was busy all the time: the API may be faster than it says"
