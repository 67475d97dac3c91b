"""The latest of many records, whatever the lists in which they came."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perfectcv_traffic.fold.latest import Latest
from perfectcv_traffic.record import TrafficLog


@given(st.lists(st.integers(0, 4), max_size=9), st.integers(0, 12))
def test_latest_records_are_kept_in_their_order(sizes: list[int], most: int) -> None:
    numbers = iter(range(100))
    batches = [[TrafficLog(request_id=str(next(numbers))) for _ in range(n)] for n in sizes]
    latest = Latest(most)
    for batch in batches:
        latest.add(batch)

    everything = [record for batch in batches for record in batch]
    assert list(latest.records()) == everything[len(everything) - min(most, len(everything)) :]
