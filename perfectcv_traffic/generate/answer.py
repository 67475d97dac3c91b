"""What came back of one request, whichever client sent it."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol

from perfectcv_traffic.generate.encoding import WireRequest
from perfectcv_traffic.generate.reading import Field, Reading

MAX_BODY_BYTES = 1_048_576
KEEP_ALIVE_SECONDS = 2.0
"""Below the 5 s after which uvicorn closes an idle connection, so that none is lost to a race."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. Either `status` or `error` is there; both when the body broke off."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By lower-case name; of repeated ones the values with a comma between."""
    body: bytes = field(default=b"", repr=False)
    is_whole: bool = False
    """The body was read to its end."""
    error: str | None = None
    seconds: float


class Sends(Protocol):
    """A client: one request in, one answer out, never an exception for what a target does."""

    async def send(self, request: WireRequest, *, limit: int = MAX_BODY_BYTES) -> Answer:
        """Send one request; at most `limit` bytes of the answer's body are read."""


class _Headers(Mapping[str, str]):
    """Header fields, decoded when somebody looks: most answers are only counted."""

    def __init__(self, fields: list[Field]) -> None:
        self._fields = fields
        self._decoded: dict[str, str] | None = None

    def __getitem__(self, name: str) -> str:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, str]:
        if self._decoded is None:
            self._decoded = {}
            for name, value in self._fields:
                key, text = name.decode("latin-1"), value.decode("latin-1")
                known = self._decoded.get(key)
                self._decoded[key] = text if known is None else f"{known}, {text}"
        return self._decoded


def answer_of(reading: Reading, error: str | None, seconds: float) -> Answer:
    """What has arrived, as an answer."""
    return Answer(
        status=reading.status,
        headers=_Headers(reading.fields),
        body=bytes(reading.body),
        is_whole=reading.is_whole,
        error=error,
        seconds=seconds,
    )


@cache
def user_agent() -> str:
    """The `User-Agent` of test traffic."""
    return f"perfectcv-traffic/{importlib.metadata.version('perfectcv-traffic')}"
