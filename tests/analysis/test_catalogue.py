from __future__ import annotations

from collections.abc import Callable

from perfectcv_traffic.analysis.catalogue import ANALYSES, analyze
from perfectcv_traffic.analysis.frames import Frames
from perfectcv_traffic.record import TrafficLog

Make = Callable[..., TrafficLog]
Build = Callable[..., Frames]


def test_analyses_have_distinct_names_and_ask_a_question() -> None:
    names = [analysis.name for analysis in ANALYSES]

    assert len(set(names)) == len(names)
    assert all(analysis.question.endswith("?") for analysis in ANALYSES)


def test_analyze_answers_every_analysis(make_record: Make, build_frames: Build) -> None:
    assert list(analyze(build_frames([make_record()]))) == [analysis.name for analysis in ANALYSES]


def test_analyze_of_nothing_has_the_same_columns(make_record: Make, build_frames: Build) -> None:
    empty, some = analyze(build_frames()), analyze(build_frames([make_record()]))

    assert {name: list(frame) for name, frame in empty.items()} == {
        name: list(frame) for name, frame in some.items()
    }


def test_facts_are_always_one_row(make_record: Make, build_frames: Build) -> None:
    for built in (build_frames(), build_frames([make_record()])):
        results = analyze(built)
        assert all(len(results[one.name]) == 1 for one in ANALYSES if one.is_facts)


def test_analyze_leaves_the_frames_as_they_are(make_record: Make, build_frames: Build) -> None:
    built = build_frames([make_record(), make_record(status_code=500)])
    before = built.requests.copy(), built.durations.copy()
    hourly = built.by_hour().requests.copy()

    analyze(built)

    assert built.requests.equals(before[0])
    assert built.durations.equals(before[1])
    assert built.by_hour().requests.equals(hourly)
