"""Patterns over what a client sends are linear by construction, as far as their text can tell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import _constants, _parser
from types import ModuleType
from typing import Any

import pytest

from perfectcv_traffic import nulls, redaction
from perfectcv_traffic.secrecy import markup, names, shapes, values


@pytest.mark.parametrize("module", [markup, names, nulls, redaction, shapes, values])
def test_patterns_over_what_clients_send_never_backtrack_without_bound(module: ModuleType) -> None:
    patterns = {k: v for k, v in vars(module).items() if isinstance(v, re.Pattern)}
    assert patterns
    for name, pattern in patterns.items():
        parsed = _parser.parse(pattern.pattern, pattern.flags)
        assert not list(backtracking(parsed)), f"{name}: an unbounded repeat is not possessive"


def backtracking(node: Any) -> Iterator[Any]:
    """Repeats without a bound that may give back what they took."""
    match node:
        case (_constants.MAX_REPEAT | _constants.MIN_REPEAT, (_, _constants.MAXREPEAT, _)):
            yield node
    if isinstance(node, tuple | list | _parser.SubPattern):
        for part in node:
            yield from backtracking(part)
