"""How a search for defects ends before it is done: nothing that was sent is forgotten."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Callable
from typing import Annotated, Any

import jwt
import pytest
from fastapi import Body, Depends, FastAPI
from fastapi.security import OAuth2PasswordBearer

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.find import ProbeOptions, find
from perfectcv_traffic.generate.options import Options
from perfectcv_traffic.generate.outcome import INTERRUPTED
from perfectcv_traffic.generate.probe.budget import RunLimits
from perfectcv_traffic.generate.selection import Selection

Serve = Callable[[Any], contextlib.AbstractContextManager[str]]
Answer = Callable[[bytes], bytes]
Start = Callable[[Answer], str]

BEARER = OAuth2PasswordBearer(tokenUrl="t")
PARAMETERS = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in "abcd"]
DOCUMENT = json.dumps(
    {"openapi": "3.1.0", "paths": {"/p": {"get": {"parameters": PARAMETERS}}}}
).encode()


def hanging_for_null(seen: list[bytes], then: Callable[[], None] = lambda: None) -> Answer:
    """Answers nothing to a null, everything else at once."""

    def answer(head: bytes) -> bytes:
        if b"openapi.json" in head:
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(DOCUMENT) + DOCUMENT
        seen.append(head)
        if b"null" not in head:
            return b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
        then()
        return b""

    return answer


def test_wrong_secret_of_the_api_is_said_before_anything_is_written(serve: Serve) -> None:
    app, made = FastAPI(), list[str]()

    @app.post("/things")
    def create(name: Annotated[str, Body(embed=True)], _: Annotated[str, Depends(BEARER)]) -> None:
        made.append(name)

    token = jwt.encode({"sub": "7"}, "the-secret-of-the-tests-0123456789", algorithm="HS256")
    options = Options(selection=Selection(allow_writes=True))
    with serve(app) as url, pytest.raises(UsageError, match="does not sign the token"):
        find(url, options, credentials=Credentials(token=token, jwt_secret="another"))

    assert made == []


def test_seconds_of_a_run_end_a_request_that_hangs(start: Start) -> None:
    seen: list[bytes] = []
    probes = ProbeOptions(suites=("null",), limits=RunLimits(max_seconds=1))

    probed = find(start(hanging_for_null(seen)), Options(timeout=3600), probes)

    assert probed.stop_reason == "1 s have passed (--max-seconds)"
    assert len(probed.outcomes) == len(seen)
    assert probed.by_status.keys() == {"200", *(str(one.error) for one in probed.outcomes)} - {
        "None"
    }


def test_request_under_way_at_ctrl_c_is_an_outcome(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[bytes] = []
    answer = hanging_for_null(seen, then=lambda: os.kill(os.getpid(), signal.SIGINT))

    probed = find(start(answer), Options(timeout=3600), ProbeOptions(suites=("null",)))

    assert probed.is_interrupted
    assert [one.error for one in probed.outcomes][-1] == INTERRUPTED
    assert len(probed.outcomes) == len(seen)
    assert caplog.text == ""
