"""What is optional is left out as well, and a crash on that is found and proved."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from perfectcv_traffic.generate.find import Probed, ProbeOptions, find
from perfectcv_traffic.generate.options import Options
from perfectcv_traffic.generate.selection import Selection

Serve = Callable[[Any], contextlib.AbstractContextManager[str]]


class Note(BaseModel):
    text: str
    title: str = None  # type: ignore[assignment]  # as is often written: optional, never null
    tags: list[str] = []


def application() -> FastAPI:
    app = FastAPI()

    @app.get("/search")
    def search(q: str | None = None) -> str:
        return q.strip()  # type: ignore[union-attr]

    @app.get("/page")
    def page(number: int = 1, size: int = 20) -> int:
        return number * size

    @app.post("/notes")
    def create(note: Note) -> str:
        return note.title.upper()

    @app.post("/tags")
    def tag(note: Note) -> list[str]:
        return note.tags

    return app


@pytest.fixture(scope="module")
def probed(serve: Serve) -> Probed:
    options = Options(selection=Selection(allow_writes=True))
    with serve(application()) as address:
        return find(address, options, ProbeOptions(suites=("null",)))


def test_crash_on_what_is_left_out_is_found_with_its_place(probed: Probed) -> None:
    assert [(one.rule, one.method, one.path, one.pointer) for one in probed.findings] == [
        ("PT201", "POST", "/notes", ""),
        ("PT201", "GET", "/search", "/query/q"),
    ]
    assert [one.observed for one in probed.findings] == [
        "answered 500 to: /body/title, /body/tags left out",
        "answered 500 to: /query/q left out",
    ]
    assert "?q" not in probed.findings[1].curl


def test_what_is_left_out_is_asked_once_of_an_operation(probed: Probed) -> None:
    asked = [one for one in probed.outcomes if one.scenario == "absent_optional"]
    # Each is asked once; what crashes, once more to prove it. A valid /page has nothing optional.
    assert sorted({(one.method, one.path) for one in asked}) == [
        ("GET", "/search"),
        ("POST", "/notes"),
        ("POST", "/tags"),
    ]
    assert len(asked) <= 5
