"""The table of what was sent."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from perfectcv_traffic.generate.outcome import Outcome
from perfectcv_traffic.generate.run import Run
from perfectcv_traffic.render.traffic import scenario_table


@pytest.mark.parametrize("columns", [80, 90, 100])
def test_no_item_of_the_answers_is_broken(columns: int) -> None:
    statuses = (200, 201, 204, 400, 401, 403, 404, 409, 422, 500, 502)
    outcomes = [
        Outcome(
            request_id=str(one), scenario="invalid_token", method="GET", path="/a", url_path="/a",
            pointer=None, status=one, error=None, seconds=0.1, expected="2xx", as_expected=False,
        )
        for one in statuses
    ]  # fmt: skip
    run = Run(
        run_id="r", target="http://h", seed=1, outcomes=tuple(outcomes), setup_ids=(), left_out=(),
        seconds=1.0, planned=len(outcomes), is_complete=True,
    )  # fmt: skip
    file = io.StringIO()
    Console(file=file, width=columns).print(scenario_table(run))

    text = file.getvalue()
    assert [one for one in statuses if f"{one} × 1" not in text] == []
    assert max(map(len, text.splitlines())) <= columns
