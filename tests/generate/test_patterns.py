"""Texts made for a pattern match it; for what is not followed there is none."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfectcv_traffic.generate.patterns import MAX_CHARACTERS, matching_text


@pytest.mark.parametrize(
    "pattern",
    [
        "^[A-Z]{2}-[0-9]{4}$",
        r"^\d{3}$",
        r"^\+?[1-9]\d{1,14}$",
        "^(draft|final)$",
        "^[a-z0-9]+(?:-[a-z0-9]+)*$",
        r"^[^@\s]+@[^@\s]+\.[a-z]{2,}$",
        "^#[0-9a-fA-F]{6}$",
        r"\w",
        "",
        r"^[\w.+-]+@example\.com$",
        r"^(?:\(\d{3}\) ?)?\d{3}[-.]\d{4}$",
        r"^(?P<year>\d{4})-(0[1-9]|1[0-2])$",
        r"^[^\s\]]{3,}?$",
        r"^[]a]+$",
        r"^\u0041\x42{2}\.$",
    ],
)
def test_text_matches_its_pattern(pattern: str) -> None:
    text = matching_text(pattern)
    assert text is not None
    assert re.search(pattern, text)


def test_text_is_as_long_as_asked_for() -> None:
    assert matching_text("^[a-z]+$", 5) == "aaaaa"


@pytest.mark.parametrize(
    "pattern", ["(", "^(?=x)a$", "(?<!a)b(?!c)", "^a{1}$(?=b)", r"(a)\1", "(?i)a", "a)"]
)
def test_pattern_that_cannot_be_followed_gives_nothing(pattern: str) -> None:
    assert matching_text(pattern, 100) is None


@given(st.text("ab1.^$|()[]{}?*+\\dws-,2", max_size=12))
@settings(deadline=None)
def test_whatever_is_made_matches(pattern: str) -> None:
    text = matching_text(pattern)
    assert text is None or re.search(pattern, text)


@pytest.mark.parametrize("pattern", ["(" * 40 + "a" + "{64})" * 40, "(" * 40 + "" + "){64}" * 40])
def test_repetitions_of_repetitions_end_soon(pattern: str) -> None:
    text = matching_text(pattern)
    assert text is None or len(text) <= MAX_CHARACTERS


def test_texts_of_a_pattern_differ_where_they_may() -> None:
    rng = Random(1)
    texts = {matching_text(r"^[A-Z]{3}-\d{4}$", rng=rng) for _ in range(50)}
    assert len(texts) > 40
    assert all(re.fullmatch(r"[A-Z]{3}-\d{4}", str(one)) for one in texts)
