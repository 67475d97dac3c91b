"""What clients and applications send that no well-behaved one would."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from perfectcv_traffic.admin import clients, live, moments, requests
from perfectcv_traffic.admin.database import Database
from perfectcv_traffic.admin.requests import Filter
from perfectcv_traffic.admin.scope import Prefix
from perfectcv_traffic.admin.windows import RateLimit
from perfectcv_traffic.record import NullDetail, TrafficLog
from perfectcv_traffic.store.ingest import ingest

PREFIX = Prefix("/admin")


@pytest.fixture
def stored(tmp_path: Path) -> Any:
    """Ingests requests; each is told as changes to an ordinary one."""

    def store(*changes: dict[str, Any]) -> Database:
        lines = [msgspec.json.encode(_record(n, one)) + b"\n" for n, one in enumerate(changes)]
        (tmp_path / "a.log").write_bytes(b"".join(lines))
        ingest([tmp_path / "a.log"], tmp_path / "a.db")
        return Database(tmp_path / "a.db")

    return store


def _record(number: int, changes: dict[str, Any]) -> TrafficLog:
    usual = {
        "request_id": f"r{number}",
        "event_id": f"e{number}",
        "timestamp": moments.from_epoch(time.time()),
        "method": "GET",
        "path": "/a",
        "route": "/a",
        "status_code": 200,
        "client_ip": "10.0.0.1",
    }
    return TrafficLog(**{**usual, **changes})


@pytest.mark.parametrize("called", [[], [{"path": "/admin/live", "route": "/admin/live"}]])
def test_client_whose_name_has_a_zero_character_is_listed_once(
    stored: Any, called: list[dict[str, str]]
) -> None:
    names = ["ab\0c...wxyz", "ab", "é\n..."]
    database = stored(*({"api_token": name, **each} for name in names for each in [{}, *called]))
    found = database.read_now(lambda c: clients.busiest(c, PREFIX, 10, 0, RateLimit()))

    assert sorted(one.client_identifier for one in found) == sorted(names)
    assert {(one.total_requests, one.endpoints_accessed) for one in found} == {(1, 1)}


def test_paths_with_a_zero_character_are_found_by_a_part(stored: Any) -> None:
    database = stored({"path": "/x\0y"}, {"path": "/x\0z"}, {"path": "/other"})
    page = database.read_now(lambda c: requests.find(c, Filter(path="/x"), PREFIX, 10, 0))

    assert (page.total, len(page.rows)) == (2, 2)


@pytest.mark.parametrize("limit", ["9" * 5000, "1" * 16, "-1", "٣", "0", ""])
def test_limit_that_is_no_number_of_requests_is_passed_over(stored: Any, limit: str) -> None:
    database = stored(
        {"rate_limit": {"x-ratelimit-limit": limit, "x-ratelimit-remaining": "1"}},
        {"rate_limit": {"ratelimit-policy": f"a;q={limit}", "ratelimit": "a;r=1"}},
    )
    found = database.read_now(lambda c: live.live(c, PREFIX, 300, time.time(), RateLimit()))

    assert found["clients_near_limit"] == []


def test_requests_under_the_prefix_that_are_not_its_own_are_found_by_path(stored: Any) -> None:
    own = {"path": "/admin/live", "route": "/admin/live", "scenario": "admin"}
    database = stored({"path": "/admin/login", "route": None, "status_code": 404}, own, {})
    for wanted in (Filter(path="/admin"), Filter(path="/admin", method="GET")):
        page = database.read_now(lambda c, w=wanted: requests.find(c, w, PREFIX, 10, 0))
        assert (page.total, [row["path"] for row in page.rows]) == (1, ["/admin/login"])


def test_live_takes_no_damage_for_a_duration_as_the_summary_does_not(stored: Any) -> None:
    database = stored(*({"response_time_ms": took} for took in (-3.0, 5.0, 2e9)))
    found = database.read_now(lambda c: live.live(c, PREFIX, 300, time.time(), RateLimit()))

    assert found["p95_response_time_ms"] == 5.0


def test_null_in_a_request_without_an_answer_counts_as_failed(stored: Any) -> None:
    null = NullDetail(field_name="a", field_path="a", location="query", kind="empty")
    nulls = {"null_params_count": 1, "null_params_details": [null]}
    database = stored({"status_code": None, **nulls}, {"status_code": 500, **nulls}, nulls)

    (spot,) = database.read_now(lambda c: live.hot_spots(c, PREFIX))
    assert (spot["requests"], spot["errors"]) == (3, 2)


@pytest.mark.parametrize("text", ["0999-01-01", "0001-01-01"])
def test_early_years_come_before_later_ones(text: str) -> None:
    assert moments.stored(text) == f"{text}T00:00:00.000000Z" < moments.stored("2026-01-01")


@pytest.mark.parametrize("hours", [1, 6])
@pytest.mark.parametrize("text", ["garbage", "2026-11-21 1h", "2026-11-21T\u0661\u0660", ""])
def test_client_whose_last_request_has_no_time_is_listed(
    stored: Any, text: str, hours: int
) -> None:
    database = stored({"timestamp": text, "status_code": 429}, {"timestamp": text})
    limit = RateLimit(1, hours=hours)
    (found,) = database.read_now(lambda c: clients.busiest(c, PREFIX, 10, 0, limit))

    assert (found.total_requests, found.is_blocked) == (2, True)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("2026-01-21T05:30:15 02:00", "2026-01-21T03:30:15.000000Z"),
        ("2026-01-21 05:30:15.5 0200", "2026-01-21T03:30:15.500000Z"),
        ("2026-01-21 05:30", "2026-01-21T05:30:00.000000Z"),
    ],
)
def test_zone_whose_plus_came_as_a_blank_is_understood(sent: str, meant: str) -> None:
    assert moments.stored(sent) == meant
