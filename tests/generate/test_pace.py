"""Starts are spread evenly over all workers; a pause is not made up for by a burst."""

from __future__ import annotations

import asyncio

from perfectcv_traffic.generate.pace import Pacer


def _sleeps(delay: float, times: list[float]) -> list[float]:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def perform() -> None:
        pacer = Pacer(delay, clock=iter(times).__next__, sleep=sleep)
        for _ in times:
            await pacer.wait()

    asyncio.run(perform())
    return slept


def test_requests_that_come_together_start_a_delay_apart() -> None:
    assert _sleeps(2.0, [10.0, 10.0, 11.0, 11.0]) == [0.0, 2.0, 3.0, 5.0]


def test_late_request_starts_at_once_and_is_not_followed_by_a_burst() -> None:
    assert _sleeps(2.0, [10.0, 100.0, 100.0]) == [0.0, 0.0, 2.0]


def test_without_delay_nobody_sleeps() -> None:
    assert _sleeps(0.0, [10.0, 10.0]) == []
