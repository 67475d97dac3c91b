"""Rate-limit headers: the demo announces limits in both spellings in use and never blocks."""

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from fastapi import Request, Response

from perfectcv_traffic.demo.state import State

WINDOW_SECONDS = 60


class Allowance(NamedTuple):
    """What a client has left in the current window."""

    limit: int
    remaining: int
    seconds_left: int


Spelling = Callable[[Allowance], Mapping[str, str]]


def x_ratelimit(allowance: Allowance) -> Mapping[str, str]:
    """The widespread `X-RateLimit-*` headers."""
    return {
        "X-RateLimit-Limit": str(allowance.limit),
        "X-RateLimit-Remaining": str(allowance.remaining),
        "X-RateLimit-Reset": str(allowance.seconds_left),
    }


def ietf_ratelimit(allowance: Allowance) -> Mapping[str, str]:
    """The `RateLimit` fields of the IETF draft draft-ietf-httpapi-ratelimit-headers."""
    return {
        "RateLimit-Policy": f'"default";q={allowance.limit};w={WINDOW_SECONDS}',
        "RateLimit": f'"default";r={allowance.remaining};t={allowance.seconds_left}',
    }


class RateLimit:
    """A dependency that counts the client's requests under `name` and announces what is left."""

    def __init__(self, name: str, limit: int, spelling: Spelling) -> None:
        self._name = name
        self._limit = limit
        self._spelling = spelling

    async def __call__(self, request: Request, response: Response, state: State) -> None:
        """Count this request and put the headers on its answer."""
        client = request.client.host if request.client else "unknown"
        window, second = divmod(int(time.time()), WINDOW_SECONDS)
        used = state.count_request((self._name, client), window)
        allowance = Allowance(
            self._limit, max(0, self._limit - used), seconds_left=WINDOW_SECONDS - second
        )
        response.headers.update(self._spelling(allowance))
