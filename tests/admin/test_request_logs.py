"""`/admin/request-logs`: every filter, every bound, the shape of a record."""

import re
import sqlite3
from typing import Any

import pytest

from perfectcv_traffic.admin import requests
from perfectcv_traffic.record import fields

AUTHORIZED = {"Authorization": "Bearer an-admin-token-for-tests"}


def paths(answer: dict[str, Any]) -> list[str]:
    return [log["path"] for log in answer["logs"]]


def test_without_filters_all_requests_come_newest_first(service: Any) -> None:
    answer = service.admin("request-logs")

    assert answer["status"] == "success"
    assert (answer["total_records"], answer["total_is_exact"], answer["count"]) == (12, True, 12)
    assert (answer["limit"], answer["offset"]) == (100, 0)
    assert paths(answer)[-4:] == ["/items/7", "/items/2", "/items/1", "/items/0"]


def test_record_has_every_field_and_what_was_derived(service: Any) -> None:
    (record,) = service.admin("request-logs", method="POST", path="/items")["logs"]

    names = {field.name for field in fields()} | {"id", "has_null_params", "has_null_response"}
    assert set(record) == names
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", record["timestamp"])
    assert record["has_null_params"] is True
    assert record["null_params_details"][0]["field_path"] == "name"
    assert record["has_null_response"] is False
    assert record["api_token"] == "12ab...cd34"
    assert record["token_present"] is True
    assert record["request_headers"]["content-type"] == "application/json"
    assert "name" in record["request_data_summary"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"path": "/broken"}, ["/broken"]),
        ({"path": "BROKEN"}, ["/broken"]),
        ({"path": "%"}, ["/nowhere/100%_sure"]),
        ({"path": "0%_s"}, ["/nowhere/100%_sure"]),
        ({"path": "1__%"}, []),
        ({"path": "\\"}, []),
        ({"method": "delete"}, ["/items/1"]),
        ({"method": "DELETE", "path": "items"}, ["/items/1"]),
        ({"method": "PATCH"}, []),
        ({"client_ip": "10.9.8.7"}, []),
        ({"status_code": 500}, ["/broken"]),
        ({"status_code": 404}, ["/nowhere/100%_sure"]),
        ({"token": "12ab...cd34"}, ["/broken", "/items", "/items/7"]),
        ({"token": "present"}, ["/broken", "/items", "/items/7"]),
        ({"token": "unknown", "status_code": 500}, ["/broken"]),
        ({"token": "valid"}, []),
        ({"token": "' OR 1=1 --"}, []),
        ({"path": "'; DROP TABLE api_requests; --"}, []),
        ({"path": "\0"}, []),
        ({"request_id": "item-1"}, ["/items/1"]),
        ({"request_id": "item-1", "method": "POST"}, []),
        ({"failed": True, "path": "/n"}, ["/nowhere/100%_sure"]),
        ({"failed": True, "method": "GET"}, ["/nowhere/100%_sure", "/limited", "/broken"]),
        ({"has_nulls": True, "method": "POST"}, ["/items"]),
        ({"has_nulls": True, "limit": 2, "offset": 3}, ["/items/1", "/items/0"]),
        ({"limit": 1, "offset": 11}, ["/items/0"]),
        ({"offset": 1_000_000_000}, []),
        ({"since": "2999-01-01"}, []),
        ({"until": "2001-01-01T00:00:00Z"}, []),
        ({"since": "2001-01-01", "until": "2999-01-01 00:00:00", "status_code": 500}, ["/broken"]),
        ({"since": "2999-01-01", "until": "2001-01-01"}, []),
        ({"since": "0", "until": "32503680000", "path": "/limited"}, ["/limited"]),
        ({"since": "2001-01-01T00:00:00+02:00", "path": "/limited"}, ["/limited"]),
    ],
)
def test_filter_finds_just_these(service: Any, query: dict[str, Any], expected: list[str]) -> None:
    assert paths(service.admin("request-logs", **query)) == expected


def test_client_address_finds_its_requests(service: Any) -> None:
    assert service.admin("request-logs", client_ip="127.0.0.1")["total_records"] == 12


def test_absent_token_and_no_nulls_are_the_rest(service: Any) -> None:
    assert service.admin("request-logs", token="absent")["total_records"] == 9
    assert service.admin("request-logs", has_nulls=False)["total_records"] == 7
    assert service.admin("request-logs", failed=False)["total_records"] == 8


def test_time_is_since_inclusive_and_until_exclusive(service: Any) -> None:
    whole = service.admin("request-logs", path="/items/0")["logs"][0]["timestamp"]
    second = f"{whole}.999999"

    assert service.admin("request-logs", since=whole, path="/items/0")["total_records"] == 1
    assert service.admin("request-logs", until=whole, path="/items/0")["total_records"] == 0
    assert service.admin("request-logs", until=second, path="/items/0")["total_records"] == 1


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0}, {"limit": 1001}, {"limit": -1}, {"limit": "abc"}, {"limit": 10**30},
        {"offset": -1}, {"offset": 1_000_000_001}, {"offset": "1.5"}, {"status_code": 99},
        {"status_code": 600}, {"status_code": "ok"}, {"has_nulls": "maybe"}, {"since": "yesterday"},
        {"until": "2026-13-01"}, {"since": "999999999999"}, {"path": "x" * 513},
    ],
)  # fmt: skip
def test_parameter_out_of_bounds_is_refused(service: Any, query: dict[str, Any]) -> None:
    answer = service.client.get("/admin/request-logs", params=query, headers=AUTHORIZED)

    assert answer.status_code == 422
    assert answer.json()["status"] == "error"
    assert answer.json()["detail"][0]["loc"] == ["query", *query]


def test_bounds_themselves_are_taken(service: Any) -> None:
    assert service.admin("request-logs", limit=1)["count"] == 1
    assert service.admin("request-logs", limit=1000)["count"] == 12


def test_admin_requests_are_recorded_but_shown_only_when_asked_for(own_service: Any) -> None:
    own_service.admin("url-stats", limit=5)
    own_service.ingest()

    assert own_service.admin("request-logs")["total_records"] == 12
    newest = own_service.admin("request-logs", include_admin=True)["logs"][0]
    assert newest["path"] == "/admin/url-stats"
    assert newest["route"] == "/admin/url-stats"
    assert newest["query_params"] == "limit=5"
    assert newest["scenario"] == "admin"
    assert newest["response_body"] is None
    assert newest["null_response_count"] == 0


def test_client_that_claims_to_be_admin_is_not_hidden(own_service: Any) -> None:
    own_service.client.get("/items/9", headers={"X-Traffic-Scenario": "admin"})
    own_service.ingest()

    assert paths(own_service.admin("request-logs", limit=1)) == ["/items/9"]
    assert own_service.admin("request-stats")["total_requests"] == 13


def test_totals_are_counted_row_by_row_when_rows_were_removed(own_service: Any) -> None:
    with sqlite3.connect(own_service.db) as connection:
        connection.execute("DELETE FROM api_requests WHERE id IN (1, 2)")
    connection.close()

    for query, total in (({}, 10), ({"path": "/items"}, 4), ({"method": "GET"}, 5)):
        answer = own_service.admin("request-logs", **query)
        assert (answer["total_records"], answer["count"]) == (total, total)


@pytest.mark.parametrize(
    ("offset", "count", "total"), [(0, 2, 3), (5, 2, 7), (11, 1, 12), (12, 0, 3), (10**9, 0, 3)]
)
def test_page_behind_the_end_claims_no_records_that_are_not_there(
    service: Any, monkeypatch: pytest.MonkeyPatch, offset: int, count: int, total: int
) -> None:
    monkeypatch.setattr(requests, "COUNTED", 3)
    query = {"since": "2020-01-01", "limit": 2, "offset": offset}
    answer = service.admin("request-logs", **query)

    assert answer["count"] == count
    assert (answer["total_records"], answer["total_is_exact"]) == (total, count == 1)
