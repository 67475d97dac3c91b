"""Bounded memory of what was read before: emptied when full, which is cheaper than an order."""

from __future__ import annotations

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def remember(known: dict[K, V], key: K, value: V, most: int) -> None:
    """Keep a value, and no more than `most`."""
    if len(known) >= most:
        known.clear()
    known[key] = value
