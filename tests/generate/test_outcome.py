"""Outcomes are counted per scenario, and totals add up."""

from __future__ import annotations

from typing import Any

import msgspec

from perfectcv_traffic.generate.outcome import Outcome, ScenarioTally, tally


def _outcome(**changes: Any) -> Outcome:
    defaults: dict[str, Any] = {
        "request_id": "run-1",
        "scenario": "valid",
        "method": "GET",
        "path": "/a",
        "url_path": "/a",
        "pointer": None,
        "status": 200,
        "error": None,
        "seconds": 0.1,
        "expected": "not 5xx",
        "as_expected": True,
    }
    return Outcome(**{**defaults, **changes})


def test_tally_counts_statuses_errors_and_surprises_per_scenario() -> None:
    outcomes = [
        _outcome(status=500, as_expected=False),
        _outcome(),
        _outcome(status=None, error="connection refused", as_expected=False),
        _outcome(status=200, error="no whole answer within 1 s"),
        _outcome(scenario="no_token", status=401),
    ]
    assert tally(outcomes) == (
        ScenarioTally(scenario="no_token", sent=1, as_expected=1, by_status={401: 1}, by_error={}),
        ScenarioTally(
            scenario="valid",
            sent=4,
            as_expected=2,
            by_status={200: 2, 500: 1},
            by_error={"connection refused": 1},
        ),
    )
    assert [one.surprises for one in tally(outcomes)] == [0, 2]


def test_tally_of_nothing_is_empty() -> None:
    assert tally([]) == ()


def test_outcome_survives_json() -> None:
    outcome = _outcome()
    assert msgspec.json.decode(msgspec.json.encode(outcome), type=Outcome) == outcome
