"""A token is had where `--login` says, with the fields that the document has for it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, HTTPException, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from perfectcv_traffic.errors import TargetError
from perfectcv_traffic.generate.credentials import Credentials, Login
from perfectcv_traffic.generate.find import find

Serve = Callable[[Any], contextlib.AbstractContextManager[str]]


class Entry(BaseModel):
    email: str
    password: str
    tenant: str = ""


def _app() -> FastAPI:
    app = FastAPI()

    @app.post("/session")
    def log_in(entry: Entry) -> dict[str, Any]:
        if (entry.email, entry.password, entry.tenant) != ("a@b.example", "pw", "t1"):
            raise HTTPException(403)
        return {"data": {"tokens": ["the-token-of-the-session"]}}

    @app.get("/me")
    def me(given: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> int:
        if given.credentials != "the-token-of-the-session":
            raise HTTPException(401)
        return 1

    return app


def _credentials(pointer: str) -> Credentials:
    login = Login(path="/session", fields={"tenant": "t1"}, pointer=pointer)
    return Credentials(username="a@b.example", password="pw", login=login)


def test_login_sends_declared_fields_and_reads_the_token_at_its_pointer(serve: Serve) -> None:
    with serve(_app()) as url:
        probed = find(url, credentials=_credentials("/data/tokens/0"))
    assert probed.reached == {"GET /me"}
    assert probed.findings == ()


def test_token_that_is_not_where_it_was_said_is_an_error(serve: Serve) -> None:
    with serve(_app()) as url, pytest.raises(TargetError, match="without a token at /token"):
        find(url, credentials=_credentials("/token"))


def test_login_that_answers_with_a_cookie_says_that_it_is_not_kept(serve: Serve) -> None:
    app = _app()

    @app.post("/cookie")
    def set_cookie(response: Response) -> str:
        response.set_cookie("access_token", "a-secret-of-the-session")
        return "welcome"

    login = Login(path="/cookie", fields={}, pointer="/access_token")
    with serve(app) as url, pytest.raises(TargetError, match="it sets a cookie") as caught:
        find(url, credentials=Credentials(username="a", password="b", login=login))
    assert "a-secret" not in str(caught.value)
