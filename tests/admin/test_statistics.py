"""The other endpoints over the same traffic: shapes, filters, bounds."""

import json
from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perfectcv_traffic import ranks
from perfectcv_traffic.admin import statistics
from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.settings import Settings
from perfectcv_traffic.store.ingest import ingest
from perfectcv_traffic.summary import sketch

AUTHORIZED = {"Authorization": "Bearer an-admin-token-for-tests"}
WHEN = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


def test_request_stats_add_up(own_service: Any) -> None:
    stats = own_service.admin("request-stats")

    assert stats["total_requests"] == 12
    assert stats["by_method"] == {"GET": 7, "POST": 4, "DELETE": 1}
    assert stats["by_status_code"] == {"200": 7, "204": 1, "401": 1, "404": 1, "429": 1, "500": 1}
    assert stats["by_token_validity"] == {"absent": 9, "unknown": 3}
    assert stats["error_count"] == 4
    assert sum(endpoint["requests"] for endpoint in stats["top_endpoints"]) == 12
    assert stats["top_endpoints"][0]["endpoint"] == "/items/{item_id}"
    assert stats["top_endpoints"][0]["requests"] == 5
    low, middle, high = (stats[f"p{share}_response_time_ms"] for share in (50, 95, 99))
    assert 0 < low <= middle <= high
    assert stats["avg_response_time_ms"] > 0
    assert (stats["dropped_count"], stats["excluded_count"]) == (0, 0)
    assert stats["ingest"]["behind_bytes"] == 0
    assert stats["ingest"]["stored"] == stats["ingest"]["lines"] == 12


@example([2982], 500)
@given(st.lists(st.integers(1, 10**8), min_size=1), st.sampled_from(statistics.PERMILLES))
def test_quantiles_are_of_the_nearest_rank_to_one_percent(
    durations_us: list[int], permille: int
) -> None:
    packed = sketch.pack(Counter(map(sketch.bucket, durations_us)))
    found = statistics.merged([packed]).quantile(permille)
    exact = ranks.quantile(sorted(durations_us), permille) / 1000
    rounding = 0.000501  # to a microsecond, on top of what the sketch is off
    assert found is not None
    assert abs(found - exact) <= exact * sketch.RELATIVE_ERROR + rounding


def test_request_stats_of_another_time_are_empty(service: Any) -> None:
    stats = service.admin("request-stats", until="2001-01-01")

    assert (stats["total_requests"], stats["error_count"], stats["top_endpoints"]) == (0, 0, [])
    assert stats["avg_response_time_ms"] is None
    assert stats["p95_response_time_ms"] is None


def test_admin_requests_count_only_when_asked_for(own_service: Any) -> None:
    own_service.admin("request-stats")
    own_service.client.get("/admin/request-stats")  # refused, and counted all the same
    own_service.ingest()

    assert own_service.admin("request-stats")["total_requests"] == 12
    with_admin = own_service.admin("request-stats", include_admin=True)
    assert with_admin["total_requests"] == 14
    assert with_admin["by_status_code"]["401"] == 2
    assert own_service.admin("url-stats")["total_accesses"] == 12
    assert own_service.admin("url-stats", include_admin=True)["total_accesses"] == 14
    assert own_service.admin("rate-limits")["stats"][0]["total_requests"] == 9


def test_null_logs_have_the_promised_shape(service: Any) -> None:
    answer = service.admin("null-logs", null_type="request_parameter", path="/items")

    assert (answer["status"], answer["total_records"]) == ("success", 2)
    body, query = answer["logs"]
    assert list(body) == [
        "id", "request_id", "timestamp", "path", "client_ip", "null_type", "field_name",
        "field_path", "context",
    ]  # fmt: skip
    assert (body["field_name"], body["null_type"]) == ("name", "request_parameter")
    assert body["context"]["location"] == "json_body"
    assert body["context"]["value"] is None
    assert (query["path"], query["field_path"]) == ("/items/7", "filter")


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ({}, 6),
        ({"null_type": "response_field"}, 4),
        ({"path": "/items/7"}, 2),
        ({"path": "/items/%"}, 0),
        ({"path": "' OR 1=1 --"}, 0),
    ],
)
def test_null_logs_are_filtered(service: Any, query: dict[str, Any], total: int) -> None:
    assert service.admin("null-logs", **query)["total_records"] == total


def test_null_logs_are_paged(service: Any) -> None:
    everything = service.admin("null-logs")["logs"]
    page = service.admin("null-logs", limit=2, offset=1)

    assert page["logs"] == everything[1:3]
    assert page["total_records"] == 6


def test_rate_limits_list_clients_then_the_endpoints_of_one(service: Any) -> None:
    clients = service.admin("rate-limits")["stats"]
    one = service.admin("rate-limits", client_identifier="12ab...cd34")

    assert [client["client_identifier"] for client in clients] == ["127.0.0.1", "12ab...cd34"]
    assert [client["is_blocked"] for client in clients] == [True, False]  # a 429 was answered
    assert (clients[1]["total_requests"], clients[1]["endpoints_accessed"]) == (3, 3)
    assert one["filter"] == {"client_identifier": "12ab...cd34"}
    endpoints = {stat["endpoint"]: stat["total_requests"] for stat in one["stats"]}
    assert endpoints == {"/items/{item_id}": 1, "/items": 1, "/broken": 1}
    assert one["stats"][0]["windows"] == 1
    assert service.admin("rate-limits", client_identifier="nobody")["stats"] == []
    assert service.admin("rate-limits", limit=1, offset=1)["stats"] == clients[1:]


def test_configured_limit_blocks_a_client_that_exceeds_it(serve: Any) -> None:
    service = serve(rate_limit=2)
    for _ in range(3):
        service.client.get("/items/1", headers={"X-API-Key": "greedy-client-key"})
    for _ in range(2):
        service.client.get("/items/1", headers={"X-API-Key": "modest-client-key"})
    service.ingest()

    stats = service.admin("rate-limits")["stats"]
    assert [(stat["total_requests"], stat["is_blocked"]) for stat in stats] == [
        (3, True),
        (2, False),
    ]
    live = service.admin("live")["clients_near_limit"]
    assert [(use["remaining"], use["source"]) for use in live] == [
        (0, "configured"),
        (0, "configured"),
    ]


def test_users_with_passwords_are_told_apart_by_their_addresses(serve: Any) -> None:
    service = serve(trusted_proxies=["127.0.0.1"], rate_limit=2)
    for address, requests in (("203.0.113.1", 3), ("203.0.113.2", 1)):
        for _ in range(requests):
            service.client.get(
                "/items/1", auth=("user", "a password"), headers={"X-Forwarded-For": address}
            )
    service.ingest()

    stats = service.admin("rate-limits")["stats"]
    assert [(one["client_identifier"], one["is_blocked"]) for one in stats] == [
        ("203.0.113.1", True),
        ("203.0.113.2", False),
    ]
    assert service.admin("request-logs", token="***")["total_records"] == 4
    near = service.admin("live")["clients_near_limit"]
    assert [one["client_identifier"] for one in near] == ["203.0.113.1", "203.0.113.2"]


def test_a_window_may_be_longer_than_an_hour(serve: Any) -> None:
    service = serve(rate_limit=3, rate_limit_window=1440)
    lines = [
        TrafficLog(
            request_id=f"r{hour}",
            event_id=f"e{hour}",
            timestamp=f"2026-01-21T{hour:02}:00:00.000000Z",
            path="/items/1",
            client_ip="203.0.113.9",
        )
        for hour in (1, 9, 17, 23)
    ]
    service.log.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    ingest([service.log], service.db)

    (client,) = service.admin("rate-limits")["stats"]
    (endpoint,) = service.admin("rate-limits", client_identifier="203.0.113.9")["stats"]
    assert (client["total_requests"], client["is_blocked"]) == (4, True)
    assert (endpoint["windows"], endpoint["is_blocked"]) == (1, True)


@pytest.mark.parametrize("minutes", [0, 30, 90, 1500])
def test_a_window_of_broken_hours_is_refused(minutes: int) -> None:
    with pytest.raises(UsageError, match="rate_limit_window"):
        Settings.resolve({}, rate_limit_window=minutes)


def test_url_stats_have_the_promised_shape(service: Any) -> None:
    answer = service.admin("url-stats", limit=2)

    assert (answer["total_unique_urls"], answer["total_accesses"]) == (9, 12)
    assert [url["path"] for url in answer["top_urls"]] == ["/auth/uuid", "/items/1"]
    assert answer["top_urls"][0]["access_count"] == 3
    assert list(answer["top_urls"][0]) == ["path", "access_count", "last_accessed"]


def test_uuid_logs_hold_every_attempt_newest_first(service: Any) -> None:
    answer = service.admin("uuid-logs", limit=2, offset=1)

    assert {name: answer[name] for name in ("total", "limit", "offset", "count")} == {
        "total": 3, "limit": 2, "offset": 1, "count": 2,
    }  # fmt: skip
    refused, accepted = answer["logs"]
    assert (refused["success"], accepted["success"]) == (False, True)
    assert accepted["uuid"] == "good-1"  # no formal UUID, logged all the same
    assert refused["user_agent"] == "phone/1"
    assert refused["ip_address"] == "127.0.0.1"
    assert set(refused["geo_location"].values()) == {None}
    assert len(refused["geo_location"]) == 8
    assert service.admin("uuid-logs", uuid="good-1")["total"] == 2
    assert service.admin("uuid-logs", uuid="nobody")["logs"] == []


def test_live_counts_what_just_happened(service: Any) -> None:
    live = service.admin("live", seconds=600)

    assert (live["requests"], live["is_complete"]) == (12, True)
    assert sum(slot["requests"] for slot in live["series"]) == 12
    assert len(live["series"]) == 60
    assert live["error_rate"] == round(4 / 12, 4)
    (near,) = live["clients_near_limit"]
    assert (near["client_identifier"], near["used"]) == ("127.0.0.1", 0.9)
    spot = live["null_hot_spots"][0]
    assert (spot["endpoint"], spot["field_path"]) == ("/items/{item_id}", "owner")
    assert spot["requests"] == 4


@pytest.mark.parametrize(
    ("endpoint", "query"),
    [
        (endpoint, query)
        for endpoint in ("null-logs", "rate-limits", "url-stats", "uuid-logs")
        for query in ({"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"offset": -1})
        if not (endpoint == "url-stats" and "offset" in query)
    ]
    + [
        ("null-logs", {"null_type": "anything"}),
        ("request-stats", {"since": "now"}),
        ("live", {"seconds": 59}),
        ("live", {"seconds": 3601}),
    ],
)
def test_parameter_out_of_bounds_is_refused(
    service: Any, endpoint: str, query: dict[str, Any]
) -> None:
    answer = service.client.get(f"/admin/{endpoint}", params=query, headers=AUTHORIZED)

    assert answer.status_code == 422
    assert json.loads(answer.text)["detail"][0]["loc"] == ["query", *query]


def test_metrics_are_served_only_when_asked_for(service: Any, serve: Any) -> None:
    assert service.client.get("/admin/metrics", headers=AUTHORIZED).status_code == 404


def test_metrics_count_requests_by_handler(serve: Any) -> None:
    service = serve(admin_metrics=True)
    service.client.get("/items/1")
    service.client.get("/broken")
    service.client.get("/nowhere")
    service.ingest()

    answer = service.client.get("/admin/metrics", headers=AUTHORIZED)
    lines = answer.text.splitlines()

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    for line in (
        'http_requests_total{handler="/items/{item_id}",status="2xx",method="GET"} 1',
        'http_requests_total{handler="none",status="4xx",method="GET"} 1',
        'http_request_duration_seconds_bucket{handler="/broken",method="GET",le="+Inf"} 1',
        "http_request_duration_highr_seconds_count 3",
        'http_response_size_bytes_count{handler="/broken"} 1',
        "perfectcv_traffic_records_dropped_total 0",
        "perfectcv_traffic_behind_bytes 0",
    ):
        assert line in lines
