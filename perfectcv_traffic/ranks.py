"""Quantiles by nearest rank: a value that was measured, no interpolation.

Hyndman and Fan's definition 1 ("Sample Quantiles in Statistical Packages", 1996), the same
everywhere here. Shares are in thousandths: ranks then come from integers and are exact.
"""

from __future__ import annotations

from collections.abc import Sequence


def nearest(count: int, permille: int) -> int:
    """The rank, from 1, of a quantile among `count` ordered values."""
    return max(1, -(-permille * count // 1000))


def quantile(ordered: Sequence[float], permille: int) -> float:
    """The quantile of ascending values, at least one."""
    return ordered[nearest(len(ordered), permille) - 1]
