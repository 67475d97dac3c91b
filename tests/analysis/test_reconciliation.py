"""Sent and recorded are compared run by run."""

from perfectcv_traffic.analysis.frames import Extras, Health, frames
from perfectcv_traffic.analysis.reconciliation import reconciliation


def run(name: str, **counts: int) -> dict[str, object]:
    return {"run_id": name, "pruned": 0, "missing": 0, "unexpected": 0, **counts}


def test_runs_are_listed_with_what_is_missing_the_last_one_first() -> None:
    runs = [("first", 3, 1, 0, 2), ("second", 5, 4, 2, 0)]
    found = reconciliation(frames({}, Health(), Extras(runs=runs)))
    assert found.to_dict("records") == [
        {**run("second", sent=5, recorded=4), "missing": 1, "unexpected": 2},
        {**run("first", sent=3, recorded=3), "pruned": 2},
    ]


def test_without_a_run_nothing_is_listed() -> None:
    assert reconciliation(frames({}, Health())).empty
