"""Quantiles by nearest rank."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfectcv_traffic import ranks


@pytest.mark.parametrize(
    ("permille", "expected"), [(0, 1), (500, 5), (900, 9), (950, 10), (1000, 10)]
)
def test_quantile_is_a_measured_value(permille: int, expected: float) -> None:
    assert ranks.quantile(range(1, 11), permille) == expected


@given(st.lists(st.integers(), min_size=1), st.integers(1, 1000))
def test_quantile_is_the_least_value_with_that_share_at_or_below_it(
    values: list[int], permille: int
) -> None:
    found = ranks.quantile(sorted(values), permille)
    share = Fraction(permille, 1000) * len(values)
    assert sum(value <= found for value in values) >= share
    assert sum(value < found for value in values) < share
