"""The demo's flaws, seeded data, delays and server start."""

import asyncio
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable

import httpx
import pytest

from perfectcv_traffic.demo.app import create_app
from perfectcv_traffic.demo.flaws import FLAWS, Flaw
from perfectcv_traffic.demo.latency import LONGEST, MEDIAN_RANGE_MS, SLOW_MEDIANS_MS, Latency
from perfectcv_traffic.demo.security import issue_token
from perfectcv_traffic.demo.state import DEMO_API_KEY
from perfectcv_traffic.errors import UsageError

LISTS = (
    "/api/v1/users/",
    "/api/v1/resumes/",
    "/api/v1/job-descriptions/",
    "/api/v1/optimizations/",
    "/api/v1/career-tools/market-trends",
    "/api/v1/payments/invoices",
    "/cache",
)

PUBLIC = {
    "/api/v1/auth/login",
    "/api/v1/auth/register",
    "/api/v1/payments/plans",
    "/api/v1/payments/webhook",
    "/auth/uuid",
    "/health",
}

Call = Callable[..., httpx.Response]
OpenDemo = Callable[..., Call]
Headers = dict[str, str]


def bearer(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}


def shows_pt101(demo: Call) -> bool:
    return demo("GET", "/api/v1/payments/invoices").is_success


def shows_pt102(demo: Call) -> bool:
    return demo("GET", "/api/v1/career-tools/skills", headers=bearer("garbage")).is_success


def shows_pt201_in_query(demo: Call) -> bool:
    key = {"X-API-Key": DEMO_API_KEY}
    return demo("GET", "/cache?season=null", headers=key).status_code == 500


def shows_pt201_in_body(demo: Call) -> bool:
    letter, token = {"resume_id": 1, "job_id": 1, "tone": None}, bearer(issue_token(1))
    answer = demo("POST", "/api/v1/career-tools/cover-letter", json=letter, headers=token)
    return answer.status_code == 500


def shows_pt203(demo: Call) -> bool:
    token = bearer(issue_token(1))
    rows = demo("GET", "/api/v1/career-tools/market-trends", headers=token).json()
    return any(row["median_salary"] is None for row in rows)


PROBES: dict[tuple[str, str], Callable[[Call], bool]] = {
    ("PT101", "GET /api/v1/payments/invoices"): shows_pt101,
    ("PT102", "GET /api/v1/career-tools/skills"): shows_pt102,
    ("PT201", "GET /cache"): shows_pt201_in_query,
    ("PT201", "POST /api/v1/career-tools/cover-letter"): shows_pt201_in_body,
    ("PT203", "GET /api/v1/career-tools/market-trends"): shows_pt203,
}


@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: f"{flaw.rule} {flaw.path}")
def test_documented_flaw_shows_and_is_gone_from_the_twin(flaw: Flaw, open_demo: OpenDemo) -> None:
    shows = PROBES[flaw.rule, f"{flaw.method} {flaw.path}"]

    assert (shows(open_demo()), shows(open_demo(flaws=False))) == (True, False)


def test_everything_but_the_public_operations_declares_a_security_scheme() -> None:
    paths = create_app().openapi()["paths"]

    public = {
        path for path, specs in paths.items() for spec in specs.values() if not spec.get("security")
    }
    assert public == PUBLIC
    assert paths["/api/v1/users/"]["get"]["security"] == [{"OAuth2PasswordBearer": ["admin"]}]


def test_documented_flaws_are_exactly_the_probed_ones() -> None:
    documented = [(flaw.rule, f"{flaw.method} {flaw.path}") for flaw in FLAWS]

    assert sorted(documented) == sorted(PROBES)


def test_crash_leaves_the_app_as_the_handlers_exception(api_key: Headers) -> None:
    async def ask() -> None:
        transport = httpx.ASGITransport(create_app(latency=0))
        async with httpx.AsyncClient(transport=transport, base_url="http://demo") as client:
            await client.get("/cache?season=null", headers=api_key)

    with pytest.raises(AttributeError, match="'NoneType' object has no attribute 'strip'"):
        asyncio.run(ask())


def test_same_seed_gives_the_same_data_and_another_seed_other_data(open_demo: OpenDemo) -> None:
    headers = bearer(issue_token(2)) | {"X-API-Key": DEMO_API_KEY}

    def data(seed: int) -> list[str]:
        demo = open_demo(seed=seed)
        return [demo("GET", path, headers=headers).text for path in LISTS]

    assert data(7) == data(7)
    assert data(7) != data(8)


def test_each_app_has_its_own_state(open_demo: OpenDemo, user: Headers) -> None:
    open_demo()("DELETE", "/api/v1/resumes/1", headers=user)

    assert open_demo()("GET", "/api/v1/resumes/1", headers=user).is_success


def test_delays_depend_on_seed_and_operation_only() -> None:
    alone, mixed = Latency(3, 1.0), Latency(3, 1.0)
    expected = [alone.next_ms("list_jobs") for _ in range(3)]

    delays = []
    for _ in range(3):
        mixed.next_ms("list_users")
        delays.append(mixed.next_ms("list_jobs"))

    assert delays == expected
    assert Latency(4, 1.0).next_ms("list_jobs") != expected[0]


@pytest.mark.parametrize("operation", ["list_jobs", "log_in", *SLOW_MEDIANS_MS])
def test_delays_lie_around_the_median_and_are_bounded(operation: str) -> None:
    latency = Latency(0, 1.0)
    delays = sorted(latency.next_ms(operation) for _ in range(1001))

    low, high = MEDIAN_RANGE_MS
    expected = SLOW_MEDIANS_MS.get(operation, delays[500])
    assert delays[500] == pytest.approx(expected, rel=0.1)
    assert operation in SLOW_MEDIANS_MS or low * 0.9 < expected < high * 1.1
    assert delays[-1] <= LONGEST * expected * 1.1


def test_slow_operations_exist() -> None:
    operations = [
        spec for path in create_app().openapi()["paths"].values() for spec in path.values()
    ]

    assert set(SLOW_MEDIANS_MS) <= {
        spec["operationId"].partition("_api_")[0] for spec in operations
    }


@pytest.mark.parametrize("latency", [-1.0, float("nan"), float("inf")])
def test_unusable_latency_is_a_usage_error(latency: float) -> None:
    with pytest.raises(UsageError, match="latency="):
        create_app(latency=latency)


@pytest.mark.end_to_end
def test_uvicorn_serves_the_factory() -> None:
    command = [sys.executable, "-m", "uvicorn", "perfectcv_traffic.demo.app:create_app"]
    options = ["--factory", "--host", "127.0.0.1", "--port", "0", "--no-use-colors"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*command, *options], stderr=subprocess.PIPE, text=True, env=environment
    ) as server:
        watchdog = threading.Timer(60, server.kill)
        watchdog.start()
        try:
            assert server.stderr is not None
            started = (re.search(r"running on (http://\S+)", line) for line in server.stderr)
            url = next(match.group(1) for match in started if match)
            assert httpx.get(f"{url}/health").json() == {"status": "ok"}
        finally:
            watchdog.cancel()
            server.terminate()
