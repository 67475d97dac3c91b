"""A native traffic log of any length: deterministic, with realistic routes, headers and bodies."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from perfectcv_traffic.record import NullDetail, TokenValidity, TrafficLog

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
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/129.0",
    "PerfectCV-iOS/4.2 (iPhone; iOS 18.0) CFNetwork/1490",
    "python-httpx/0.27.2",
)
WEIGHTS = [weight for *_, weight in ROUTES]
CLIENTS = 500
RESOURCES = 4000


def records(count: int, days: float, seed: int = 1) -> Iterator[TrafficLog]:
    """`count` requests spread evenly over `days`."""
    chance = random.Random(seed)
    step = timedelta(days=days) / count
    for number in range(count):
        yield _record(chance, number, START + step * number)


def write(path: Path, count: int, days: float, seed: int = 1) -> None:
    """Write such a log; what is not recorded is left out, which makes lines of about 800 bytes."""
    encode = msgspec.json.Encoder().encode
    with path.open("wb") as file:
        for record in records(count, days, seed):
            known = {
                name: value
                for name in record.__struct_fields__
                if (value := getattr(record, name)) not in _UNSET
            }
            file.write(encode(known) + b"\n")


_UNSET: tuple[object, ...] = (None, "", [])


def _record(chance: random.Random, number: int, time: datetime) -> TrafficLog:
    method, route, protected, _ = chance.choices(ROUTES, WEIGHTS)[0]
    path = route.replace("{id}", str(chance.randrange(RESOURCES)))
    status, validity = _outcome(chance, method, protected)
    duration = round(chance.lognormvariate(3, 1), 3)
    request_id = f"{chance.getrandbits(128):032x}"
    has_null = method in ("POST", "PUT") and chance.random() < 0.1
    body = '{"title":"Engineer","team":null}' if has_null else '{"title":"Engineer"}'
    nothing = status in (401, 422)
    return TrafficLog(
        request_id=request_id,
        event_id=f"5f1d7c3ab2e94d06{number:08x}",
        timestamp=time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        method=method,
        url=f"http://api.perfectcv.example{path}",
        path=path,
        route=route,
        request_headers={"host": "api.perfectcv.example"},
        response_headers={"content-type": "application/json"},
        request_body=body if method in ("POST", "PUT") else None,
        response_body='{"detail":"refused"}' if nothing else '{"id":17,"title":"Engineer"}',
        request_bytes=len(body) if method in ("POST", "PUT") else 0,
        response_bytes=20 if nothing else chance.randrange(20, 9000),
        client_ip=f"10.0.{number % 7}.{chance.randrange(CLIENTS // 7)}",
        user_agent=chance.choice(AGENTS),
        auth_required=protected,
        token_present=validity != TokenValidity.ABSENT,
        token_scheme=None if validity == TokenValidity.ABSENT else "bearer",
        token_validity=validity,
        status_code=status,
        request_time_ms=0.05,
        ttfb_ms=duration,
        response_time_ms=duration,
        complete=True,
        client_disconnected=False,
        null_params_count=int(has_null),
        null_params_details=[_NULL] if has_null else [],
        request_data_summary=f"{method} {path}",
    )


_NULL = NullDetail(field_name="team", field_path="team", location="json_body", kind="json_null")


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
