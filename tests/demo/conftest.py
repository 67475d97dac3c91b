"""Demo apps to call: `demo` has the flaws, `open_demo(flaws=False)` makes the correct twin."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from perfectcv_traffic.demo.app import create_app
from perfectcv_traffic.demo.security import issue_token
from perfectcv_traffic.demo.state import DEMO_API_KEY

Call = Callable[..., httpx.Response]


class Demo:
    """One demo app without delays, called over ASGI; a crash is answered 500 as a server would."""

    def __init__(self, **options: Any) -> None:
        self.app = create_app(latency=0, **options)

    def __call__(self, method: str, path: str, **request: Any) -> httpx.Response:
        return asyncio.run(self._send(method, path, **request))

    async def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://demo") as client:
            return await client.request(method, path, **request)


@pytest.fixture
def open_demo() -> Callable[..., Call]:
    return Demo


@pytest.fixture
def demo() -> Call:
    return Demo()


@pytest.fixture
def user() -> dict[str, str]:
    return {"Authorization": f"Bearer {issue_token(1)}"}


@pytest.fixture
def api_key() -> dict[str, str]:
    return {"X-API-Key": DEMO_API_KEY}
