"""How a run's requests are told apart: by run, number and scenario, in three headers."""

from __future__ import annotations

import re
import uuid
from typing import Final

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.record import REQUEST_ID_HEADER, RUN_ID_HEADER, SCENARIO_HEADER

SETUP_SCENARIO: Final = "setup"
"""The scenario of requests that prepare a run: fetching the document, logging in."""

_RUN_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")
_NEW_RUN_ID_CHARACTERS = 12


def new_run_id() -> str:
    """A run id that no other run has."""
    return uuid.uuid4().hex[:_NEW_RUN_ID_CHARACTERS]


def check_run_id(run_id: str) -> None:
    """Raise `UsageError` unless `<run_id>-<number>` is a well-formed X-Request-ID."""
    if not _RUN_ID.fullmatch(run_id):
        raise UsageError(f"run id {run_id!r} must be 1 to 100 of A-Z a-z 0-9 . _ -")


def request_id(run_id: str, number: int | str) -> str:
    """The id of one request of a run."""
    return f"{run_id}-{number}"


def marks(run_id: str, number: int | str, scenario: str) -> dict[str, str]:
    """The headers by which the recorder tells this request from others."""
    return {
        REQUEST_ID_HEADER: request_id(run_id, number),
        RUN_ID_HEADER: run_id,
        SCENARIO_HEADER: scenario,
    }
