"""APIs of many shapes, each with a defect of every kind: those are found, and nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.find import find
from perfectcv_traffic.generate.options import Options
from perfectcv_traffic.generate.selection import Selection

Serve = Callable[[Any], contextlib.AbstractContextManager[str]]

EVERYTHING = Selection(allow_writes=True, allow_deletes=True)
MAX_REQUESTS_PER_OPERATION = 14


def _secrets(shape: ModuleType) -> Credentials:
    if hasattr(shape, "credentials"):
        found: Credentials = shape.credentials()
        return found
    low = shape.token(role="user")
    return Credentials(token=shape.token(), low_token=low, jwt_secret=shape.SECRET)


@pytest.mark.parametrize("is_correct", [False, True], ids=["wrong", "correct"])
@pytest.mark.parametrize("name", ["tenancy", "stockroom", "clinic"])
def test_findings_are_the_defects_and_nothing_else(
    serve: Serve, load_target: Callable[[str], ModuleType], name: str, *, is_correct: bool
) -> None:
    shape = load_target(name)
    prefix = getattr(shape, "PREFIX", "")
    wrong = frozenset() if is_correct else frozenset(shape.DEFECTS)
    with serve(shape.build(wrong)) as url:
        options = Options(
            selection=EVERYTHING, openapi=url + getattr(shape, "OPENAPI", "/openapi.json")
        )
        base = url + getattr(shape, "BASE", "")
        probed = find(base, options, credentials=_secrets(shape))
    expected = {
        (rule, method, prefix + path)
        for rule, method, path in (shape.DEFECTS[one] for one in wrong)
    }
    assert {(one.rule, one.method, one.path) for one in probed.findings} == expected
    assert probed.is_complete
    assert probed.requests <= MAX_REQUESTS_PER_OPERATION * len(probed.operations)
    if is_correct:
        assert {one.key for one in probed.operations} - probed.reached <= {"POST /token"}
