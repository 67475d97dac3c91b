"""Whatever numbers a line has, every analysis of its log is made and told as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from perfectcv_traffic.analysis import recent
from perfectcv_traffic.analysis.catalogue import ANALYSES
from perfectcv_traffic.analysis.frames import Extras, Health, frames
from perfectcv_traffic.analysis.rows import of_summary
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.render.machine import summary_json
from perfectcv_traffic.summary.summary import Summary
from perfectcv_traffic.summary.tables import LARGEST_SUM

LARGEST = 2**63 - 1
numbers = st.integers(0, LARGEST) | st.just(LARGEST)
records = st.builds(
    TrafficLog,
    request_id=st.just("r"),
    timestamp=st.just("2026-11-21T10:00:00.000000Z"),
    path=st.sampled_from(["/a", "/b"]),
    method=st.just("GET"),
    status_code=st.sampled_from([200, 500]) | numbers,
    request_bytes=numbers,
    response_bytes=numbers,
    response_time_ms=st.floats(0, 1e18),
    null_params_count=numbers,
    lost_before=numbers,
    weight=st.floats(0, 1e308),
)


def _told(found: list[TrafficLog]) -> dict[str, Any]:
    summary = Summary()
    summary.add_all(found)
    data = frames(of_summary(summary), Health(), Extras(recent=map(recent.values, found)))
    results = {
        one.name: one.compute(data)
        for one in ANALYSES
        if one.name not in {"comparison", "coverage"}
    }
    text = summary_json(results, generated_at=datetime(2026, 11, 21, tzinfo=UTC), version="0")
    analyses: dict[str, Any] = msgspec.json.decode(text)["analyses"]
    return analyses


@settings(max_examples=20, deadline=None)
@given(st.lists(records, min_size=1, max_size=8))
def test_every_analysis_of_any_numbers_is_made(found: list[TrafficLog]) -> None:
    told = _told(found)
    (totals,) = told["totals"]["rows"]
    for name in ("request_bytes", "response_bytes"):
        wanted = min(sum(getattr(record, name) for record in found), LARGEST_SUM)
        assert (totals[name] or 0) == wanted  # none of it at all may mean: not recorded
        assert all(row.get(name, 0) >= 0 for row in told["top_endpoints"]["rows"])
    (health,) = told["health"]["rows"]
    assert health["lost"] == min(sum(record.lost_before for record in found), LARGEST_SUM)
