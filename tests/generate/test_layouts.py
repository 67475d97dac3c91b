"""Every kind of credential and of null is told apart, in both dialects of OpenAPI."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.find import find
from perfectcv_traffic.generate.options import Options
from perfectcv_traffic.generate.selection import Selection

Serve = Callable[[Any], contextlib.AbstractContextManager[str]]


@pytest.fixture(scope="module")
def layouts(load_target: Callable[[str], ModuleType]) -> ModuleType:
    return load_target("layouts")


@pytest.mark.parametrize("dialect", ["3.1", "3.0"])
@pytest.mark.parametrize("is_correct", [False, True], ids=["wrong", "correct"])
def test_findings_are_the_defects_and_nothing_else(
    serve: Serve, layouts: ModuleType, tmp_path: Path, *, is_correct: bool, dialect: str
) -> None:
    app = layouts.build(is_correct=is_correct)
    document = app.openapi() if dialect == "3.1" else layouts.as_openapi_3_0(app.openapi())
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(document))
    options = Options(selection=Selection(allow_writes=True), openapi=str(path))
    credentials = Credentials(
        token=layouts.TOKEN,
        api_key=layouts.KEY,
        username=layouts.USER,
        password=layouts.PASSWORD,
    )
    with serve(app) as url:
        probed = find(url, options, credentials=credentials)
    found = {(one.rule, one.method, one.path) for one in probed.findings}
    assert found == (set() if is_correct else layouts.DEFECTS)
    assert probed.is_complete
