"""What a client does with the demo: accounts, resumes, optimizations, payments, the cache."""

import json
import re
from collections.abc import Callable
from itertools import pairwise

import httpx
import pytest

from perfectcv_traffic.demo.payments import sign_event
from perfectcv_traffic.demo.resumes import MAX_UPLOAD_BYTES
from perfectcv_traffic.demo.security import issue_token
from perfectcv_traffic.demo.state import (
    DEMO_ADMIN_EMAIL,
    DEMO_ADMIN_PASSWORD,
    DEMO_USER_EMAIL,
    DEMO_USER_PASSWORD,
)

A_UUID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"

Call = Callable[..., httpx.Response]
OpenDemo = Callable[..., Call]
Headers = dict[str, str]


def bearer(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}


def log_in(demo: Call, email: str, password: str) -> httpx.Response:
    form = {"username": email, "password": password}
    return demo("POST", "/api/v1/auth/login", data=form)


def test_login_form_gives_a_token_until_logout(demo: Call) -> None:
    token = log_in(demo, DEMO_USER_EMAIL, DEMO_USER_PASSWORD).json()["access_token"]

    me = demo("GET", "/api/v1/auth/me", headers=bearer(token))
    assert me.json()["email"] == DEMO_USER_EMAIL
    assert demo("POST", "/api/v1/auth/logout", headers=bearer(token)).status_code == 204
    assert demo("GET", "/api/v1/auth/me", headers=bearer(token)).status_code == 401


def test_admin_login_may_list_users(demo: Call) -> None:
    token = log_in(demo, DEMO_ADMIN_EMAIL, DEMO_ADMIN_PASSWORD).json()["access_token"]

    users = demo("GET", "/api/v1/users/", headers=bearer(token)).json()

    assert {user["role"] for user in users} == {"user", "admin"}


@pytest.mark.parametrize("email", [DEMO_USER_EMAIL, "nobody@perfectcv.example", "null"])
def test_login_with_wrong_credentials_is_401(demo: Call, email: str) -> None:
    answer = log_in(demo, email, "wrong")

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_registered_account_can_log_in_and_cannot_register_twice(demo: Call) -> None:
    account = {"email": "New@perfectcv.example", "password": "long enough", "full_name": "New"}

    assert demo("POST", "/api/v1/auth/register", json=account).status_code == 201
    assert log_in(demo, "new@perfectcv.example", "long enough").status_code == 200
    assert demo("POST", "/api/v1/auth/register", json=account).status_code == 409


def test_device_login_opens_one_account_for_one_uuid(demo: Call) -> None:
    ids = set()
    for spelling in (A_UUID, A_UUID.upper()):
        token = demo("POST", "/auth/uuid", json={"uuid": spelling}).json()["access_token"]
        ids.add(demo("GET", "/api/v1/auth/me", headers=bearer(token)).json()["id"])

    assert len(ids) == 1


@pytest.mark.parametrize("text", ["", "null", A_UUID.replace("-", ""), f"{{{A_UUID}}}", A_UUID[1:]])
def test_device_login_with_anything_but_a_formal_uuid_is_401(demo: Call, text: str) -> None:
    answer = demo("POST", "/auth/uuid", json={"uuid": text})

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_resume_can_be_created_read_replaced_and_deleted(demo: Call, user: Headers) -> None:
    created = demo("POST", "/api/v1/resumes/", json={"title": "First"}, headers=user).json()
    path = f"/api/v1/resumes/{created['id']}"

    assert demo("GET", path, headers=user).json() == created
    replaced = demo("PUT", path, json={"title": "Second"}, headers=user).json()
    assert replaced == created | {"title": "Second", "updated_at": replaced["updated_at"]}
    assert demo("DELETE", path, headers=user).status_code == 204
    assert demo("GET", path, headers=user).status_code == 404


def test_stranger_sees_and_changes_nothing_of_another_account(demo: Call) -> None:
    stranger = bearer(issue_token(3))

    assert demo("GET", "/api/v1/resumes/1", headers=stranger).status_code == 404
    assert demo("GET", "/api/v1/optimizations/1", headers=stranger).status_code == 404
    assert demo("GET", "/api/v1/users/1", headers=stranger).status_code == 403
    assert demo("DELETE", "/api/v1/job-descriptions/1", headers=stranger).status_code == 403


def test_user_change_keeps_what_was_left_out_and_clears_what_is_null(
    demo: Call, user: Headers
) -> None:
    before = demo("GET", "/api/v1/users/1", headers=user).json()

    after = demo("PATCH", "/api/v1/users/1", json={"headline": None}, headers=user).json()

    assert after == before | {"headline": None}


def test_optimization_is_listed_and_agrees_with_the_skills_gap(demo: Call, user: Headers) -> None:
    pair = {"resume_id": 1, "job_id": 3}
    made = demo("POST", "/api/v1/optimizations/", json=pair, headers=user).json()
    gap = demo("GET", "/api/v1/career-tools/skills-gap", params=pair, headers=user).json()

    assert made["missing_skills"] == gap["missing_skills"]
    assert made in demo("GET", "/api/v1/optimizations/", headers=user).json()


def test_invoices_of_the_twin_are_the_callers_own(open_demo: OpenDemo, user: Headers) -> None:
    invoices = open_demo(flaws=False)("GET", "/api/v1/payments/invoices", headers=user).json()

    assert {invoice["user_id"] for invoice in invoices} == {1}


@pytest.mark.parametrize(("size", "status"), [(MAX_UPLOAD_BYTES, 200), (MAX_UPLOAD_BYTES + 1, 413)])
def test_upload_is_refused_above_the_limit(
    demo: Call, user: Headers, size: int, status: int
) -> None:
    files = {"file": ("resume.txt", bytes(size), "text/plain")}

    answer = demo("POST", "/api/v1/resumes/1/upload", files=files, headers=user)

    assert answer.status_code == status


def test_webhook_credits_an_account_once_and_refuses_a_wrong_signature(
    demo: Call, user: Headers
) -> None:
    event = {"id": "evt", "type": "payment.succeeded", "user_id": 1, "credits": 10}
    body = json.dumps(event).encode()
    headers = {"X-Signature": sign_event(body), "Content-Type": "application/json"}
    credit = demo("GET", "/api/v1/auth/me", headers=user).json()["credits"]

    for applied in (True, False):
        answer = demo("POST", "/api/v1/payments/webhook", content=body, headers=headers)
        assert answer.json() == {"applied": applied}

    assert demo("GET", "/api/v1/auth/me", headers=user).json()["credits"] == credit + 10
    assert demo("POST", "/api/v1/payments/webhook", json=event).status_code == 400


def test_cache_batch_takes_a_list_and_an_object(demo: Call, api_key: Headers) -> None:
    queries = [{"team": "Leeds"}, {"player": None}]

    listed = demo("POST", "/cache/batch", json=queries, headers=api_key).json()
    wrapped = demo("POST", "/cache/batch", json={"queries": queries}, headers=api_key).json()

    assert [len(answer["entries"]) for answer in listed] == [6, 12]
    assert wrapped == listed


def test_rate_limit_headers_count_down_and_never_block(demo: Call, api_key: Headers) -> None:
    answers = [demo("GET", "/cache", headers=api_key) for _ in range(110)]

    left = [int(answer.headers["X-RateLimit-Remaining"]) for answer in answers]
    assert {answer.status_code for answer in answers} == {200}
    assert left[0] == 99
    # 99 again: a new window may start in between.
    assert all(after in {max(0, before - 1), 99} for before, after in pairwise(left))


def test_career_tools_send_the_rate_limit_fields_of_the_draft(demo: Call, user: Headers) -> None:
    answer = demo("GET", "/api/v1/career-tools/skills", headers=user)

    assert answer.headers["RateLimit-Policy"] == '"default";q=120;w=60'
    assert re.fullmatch(r'"default";r=119;t=\d+', answer.headers["RateLimit"])


def test_refused_body_is_not_echoed(demo: Call) -> None:
    account = {"email": "new@perfectcv.example", "password": "hunter2", "full_name": "New"}

    answer = demo("POST", "/api/v1/auth/register", json=account)

    assert answer.status_code == 422
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("value", ["NaN", "1e999", '"\\ud800"'])
def test_value_that_json_cannot_echo_is_refused(demo: Call, user: Headers, value: str) -> None:
    body = f'{{"resume_id": {value}, "job_id": 1, "note": {value}}}'
    headers = user | {"Content-Type": "application/json"}

    answer = demo("POST", "/api/v1/optimizations/", content=body, headers=headers)

    assert answer.status_code == 422
