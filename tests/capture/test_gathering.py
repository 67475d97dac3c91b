"""How long requests gather before they are recorded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfectcv_traffic.capture.gathering import BUSY_SHARE, SPARE_PART, gather

INTERVALS = st.floats(0.001, 60)
SHARES = st.floats(0, 1)


class Process:
    """A process that uses a share of a core, and whose waits may take longer than asked for."""

    def __init__(self, share: float, lateness: float = 0.0) -> None:
        self.share, self.lateness, self.now = share, lateness, 0.0
        self.waits: list[float] = []

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds + self.lateness
        return False

    def gather(self, interval: float) -> None:
        gather(interval, self.wait, lambda: self.now, lambda: self.now * self.share)


@given(interval=INTERVALS, share=st.floats(0, BUSY_SHARE, exclude_max=True))
def test_process_with_time_to_spare_waits_for_a_part_of_the_interval(
    interval: float, share: float
) -> None:
    process = Process(share)
    process.gather(interval)
    assert process.waits == [interval * SPARE_PART]


@given(interval=INTERVALS, share=st.floats(BUSY_SHARE, 1), lateness=st.floats(0, 100))
def test_busy_process_waits_for_all_of_the_interval_and_no_longer(
    interval: float, share: float, lateness: float
) -> None:
    process = Process(share + 0.001, lateness)
    process.gather(interval)
    early, rest = process.waits
    assert early == interval * SPARE_PART
    assert rest == pytest.approx(max(0.0, interval - early - lateness), abs=1e-9)


@given(interval=INTERVALS, share=SHARES)
def test_nobody_waits_longer_when_told_to_end(interval: float, share: float) -> None:
    process = Process(share)

    def end(seconds: float) -> bool:
        process.wait(seconds)
        return True

    gather(interval, end, lambda: process.now, lambda: process.now * process.share)
    assert len(process.waits) == 1
