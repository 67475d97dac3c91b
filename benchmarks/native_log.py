"""A native traffic log of any length: deterministic, with realistic routes, headers and bodies."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from perfectcv_traffic.record import NullDetail, TokenReason, TokenValidity, TrafficLog

START = datetime(2026, 10, 1, tzinfo=UTC)
ROUTES = (
    ("GET", "/api/v1/resumes/{id}", True, 30),
    ("GET", "/api/v1/resumes", True, 14),
    ("POST", "/api/v1/resumes", True, 5),
    ("PUT", "/api/v1/resumes/{id}", True, 4),
    ("GET", "/api/v1/jobs/{id}", True, 12),
    ("GET", "/api/v1/jobs", False, 10),
    ("POST", "/api/v1/optimizations", True, 6),
    ("GET", "/api/v1/users/me", True, 8),
    ("POST", "/auth/uuid", False, 3),
    ("POST", "/api/v1/payments", True, 1),
    ("GET", "/api/v1/career/{id}/advice", True, 3),
    ("GET", "/health", False, 4),
)
WEIGHTS = [weight for *_, weight in ROUTES]
AGENTS = ("PerfectCV-iOS/4.2", "python-httpx/0.27.2", "curl/8.9.1")
TITLES = ("Engineer", "Data analyst", "Nurse", "Café manager", "Développeuse")
CLIENTS = 500
TOKENS = 400
RESOURCES = 4000
REFUSED = {401: "Not authenticated", 404: "Not Found", 422: "team: field required"}


def records(count: int, days: float, seed: int = 1) -> Iterator[TrafficLog]:
    """`count` requests spread evenly over `days`."""
    chance = random.Random(seed)
    step = timedelta(days=days) / count
    for number in range(count):
        yield _record(chance, number, START + step * number)


def write(path: Path, count: int, days: float, seed: int = 1) -> None:
    """Write such a log, as the recorder does: lines of about 780 bytes."""
    encode = msgspec.json.Encoder().encode
    with path.open("wb") as file:
        for record in records(count, days, seed):
            file.write(encode(record) + b"\n")


_NULLS = (
    NullDetail(field_name="team", field_path="team", location="json_body", kind="json_null"),
    NullDetail(
        field_name="name", field_path="players[0].name", location="json_body", kind="json_null"
    ),
)


def _record(chance: random.Random, number: int, time: datetime) -> TrafficLog:
    method, route, protected, _ = chance.choices(ROUTES, WEIGHTS)[0]
    path = route.replace("{id}", str(chance.randrange(RESOURCES)))
    query = f"page={chance.randrange(1, 9)}" if method == "GET" and chance.random() < 0.3 else ""
    record = TrafficLog(
        request_id=f"{chance.getrandbits(128):032x}",
        event_id=f"5f1d7c3ab2e94d06{number:08x}",
        timestamp=time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        method=method,
        url=f"http://api.example{path}{'?' if query else ''}{query}",
        path=path,
        route=route,
        query_params=query,
        client_ip=f"10.0.{number % 7}.{chance.randrange(CLIENTS // 7)}",
        user_agent=chance.choice(AGENTS),
        auth_required=protected,
        complete=True,
    )
    _set_outcome(record, chance)
    _set_request(record, chance)
    _set_response(record, chance)
    return record


def _set_outcome(record: TrafficLog, chance: random.Random) -> None:
    status, validity = _outcome(chance, record.method or "", bool(record.auth_required))
    duration = round(chance.lognormvariate(3, 1), 3)
    record.status_code, record.token_validity = status, validity
    record.ttfb_ms = duration
    record.response_time_ms = round(duration + 0.04, 3)
    record.token_present = validity != TokenValidity.ABSENT
    if record.token_present:
        number = chance.randrange(TOKENS)
        record.token_scheme = "bearer"
        record.api_token = f"eyJ{number % 10}...{number:04d}"
    if validity == TokenValidity.INVALID:
        record.token_reason = TokenReason.EXPIRED
    record.error_message = REFUSED.get(status)


def _set_request(record: TrafficLog, chance: random.Random) -> None:
    headers = {"host": "api.example"}
    if record.token_present:
        headers["authorization"] = "[REDACTED]"
    record.request_headers = headers
    record.request_bytes = 0
    record.request_data_summary = f"{record.method} {record.path}"
    if record.method not in ("POST", "PUT"):
        return
    headers["content-type"] = "application/json"
    title = chance.choice(TITLES)
    team = "null" if chance.random() < 0.2 else '"Platform"'
    if team == "null":
        record.null_params_count, record.null_params_details = 1, [_NULLS[0]]
    record.request_body = f'{{"title":"{title}","team":{team}}}'
    record.request_bytes = len(record.request_body.encode())


def _set_response(record: TrafficLog, chance: random.Random) -> None:
    if record.error_message:
        body = f'{{"detail":"{record.error_message}"}}'
    elif record.route == "/health":
        body = '{"status":"ok"}'
    else:
        body = f'{{"id":{chance.randrange(RESOURCES)},"title":"{chance.choice(TITLES)}"}}'
        if chance.random() < 0.05:
            body = f'{{"team":null,"players":[{{"name":null}}],"rest":{body}}}'
            record.null_response_count, record.null_response_details = 2, [*_NULLS]
    record.response_body = body
    record.response_bytes = len(body.encode())
    record.response_headers = {"content-type": "application/json"}


def _outcome(chance: random.Random, method: str, protected: bool) -> tuple[int, TokenValidity]:
    draw = chance.random()
    if not protected:
        return (404 if draw < 0.02 else 200), TokenValidity.ABSENT
    if draw < 0.06:
        return 401, TokenValidity.ABSENT
    if draw < 0.09:
        return 401, TokenValidity.INVALID
    if draw < 0.12:
        return 422 if method in ("POST", "PUT") else 404, TokenValidity.VALID
    if draw < 0.125:
        return 500, TokenValidity.VALID
    return (201 if method == "POST" else 200), TokenValidity.VALID
