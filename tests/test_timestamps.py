"""Times have one width, whoever makes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from perfectcv_traffic.timestamps import before, from_epoch, stamp, to_the_second

MOMENTS = st.datetimes(timezones=st.just(UTC))


@given(MOMENTS, MOMENTS)
def test_times_are_ordered_as_their_texts(one: datetime, other: datetime) -> None:
    assert (stamp(one) <= stamp(other)) == (one <= other)
    assert len(stamp(one)) == len("2026-11-21T22:05:00.123456Z")
    assert datetime.fromisoformat(stamp(one)) == one


@given(st.integers(0, 4_000_000_000_000_000))
def test_seconds_since_the_epoch_are_told_as_any_time(microseconds: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    assert abs(datetime.fromisoformat(from_epoch(microseconds / 1e6)) - moment) <= timedelta(
        microseconds=1
    )


def test_time_of_another_zone_is_told_in_utc() -> None:
    moment = datetime(2026, 11, 21, 23, 5, tzinfo=timezone(timedelta(hours=1)))
    assert stamp(moment) == "2026-11-21T22:05:00.000000Z"
    assert to_the_second(moment) == "2026-11-21T22:05:00Z"


def test_time_before_the_first_one_is_the_first_one() -> None:
    first = datetime.min.replace(tzinfo=UTC)
    assert before(datetime(2026, 1, 1, tzinfo=UTC), timedelta.max) == first
