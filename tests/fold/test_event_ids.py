"""Event ids as intervals are a set of event ids."""

from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st

from perfectcv_traffic.fold.event_ids import EventIds

WRITERS = ("5f1d7c3ab2e94d06", "ffffffffffffffff", "0000000000000000")
counted = st.builds(
    lambda writer, count: f"{writer}{count:08x}",
    st.sampled_from(WRITERS),
    st.integers(0, 20) | st.just(2**32 - 1),
)
ids = (
    counted
    | st.none()
    | st.sampled_from(
        [
            "5F1D7C3AB2E94D0600000001",
            "x",
            "é",
            "5f1d7c3ab2e94d06 0000001",
            "5f1d7c3ab2e94d06ffffffff",
        ]
    )
)
runs = st.builds(
    lambda writer, start, length: [f"{writer}{n:08x}" for n in range(start, start + length)],
    st.sampled_from(WRITERS),
    st.sampled_from([0, 5, 2**32 - 9]),
    st.integers(1, 9),
)
pieces = st.lists(st.lists(counted, max_size=9) | st.lists(ids, max_size=6) | runs, max_size=8)


def new(found: EventIds, piece: list[str | None]) -> list[bool]:
    flags = found.add(piece)
    return [True] * len(piece) if flags is None else flags.tolist()


def of(piece: list[str | None]) -> EventIds:
    found = EventIds()
    found.add(piece)
    return found


@given(pieces)
def test_id_is_new_only_the_first_time(found: list[list[str | None]]) -> None:
    seen: set[str] = set()
    event_ids = EventIds()
    for piece in found:
        expected = []
        for one in piece:
            expected.append(one is None or one not in seen)
            if one is not None:
                seen.add(one)
        assert new(event_ids, piece) == expected


@given(st.lists(ids, max_size=12), st.lists(ids, max_size=12))
def test_sets_meet_when_they_have_an_id_in_common(
    first: list[str | None], second: list[str | None]
) -> None:
    common = ({*first} & {*second}) - {None}
    assert of(first).meets(of(second)) == bool(common)
    known = of(first).within(pickle.loads(pickle.dumps(of(second))))
    assert new(known, [one for one in second if one in common]) == [False] * sum(
        one in common for one in second
    )


@given(st.lists(ids, max_size=12), st.lists(ids, max_size=12))
def test_union_of_sets_has_the_ids_of_both(
    first: list[str | None], second: list[str | None]
) -> None:
    union, others = of(first), [one for one in second if one not in first]
    union.update(of(others))
    for one in [*first, *others]:
        assert one is None or new(union, [one]) == [False]
    assert new(union, ["5f1d7c3ab2e94d0600000099"]) == [True]


def test_ids_of_one_counter_take_no_room_however_many() -> None:
    found = EventIds()
    for start in range(0, 200_000, 500):
        assert found.add([f"{WRITERS[0]}{start + n:08x}" for n in range(500)]) is None
    found.settle()
    assert len(pickle.dumps(found)) < 2000
