"""A text for each string format, chosen by a seeded random source and never by the clock."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from random import Random
from typing import Final

YEAR: Final = 2025
"""The year of every date: over by now. `later` moves it ahead."""
_LATER_YEAR: Final = 2075
WORD_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def word(rng: Random, letters: int = 8) -> str:
    """Lower-case letters: what any unconstrained text parameter takes."""
    return "".join(rng.choices(WORD_LETTERS, k=letters))


def later(text: str) -> str:
    """A made-up date, far ahead; any other text as it is."""
    return text.replace(f"{YEAR}-", f"{_LATER_YEAR}-", 1) if text.startswith(f"{YEAR}-") else text


def _date(rng: Random) -> str:
    return f"{YEAR}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"


def _time(rng: Random) -> str:
    return f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}Z"


def _address(rng: Random) -> str:
    # 192.0.2.0/24 is kept for documentation (RFC 5737): never somebody's machine.
    return f"192.0.2.{rng.randint(1, 254)}"


FORMATS: Final[dict[str, Callable[[Random], str]]] = {
    "date": _date,
    "date-time": lambda rng: f"{_date(rng)}T{_time(rng)}",
    "time": _time,
    "duration": lambda rng: f"PT{rng.randint(1, 59)}M",
    "email": lambda rng: f"{word(rng)}@example.com",
    "idn-email": lambda rng: f"{word(rng)}@example.com",
    "hostname": lambda rng: f"{word(rng)}.example.com",
    "uri": lambda rng: f"https://example.com/{word(rng)}",
    "url": lambda rng: f"https://example.com/{word(rng)}",
    "uri-reference": lambda rng: f"/{word(rng)}",
    "ipv4": _address,
    "ipvanyaddress": _address,
    "ipv6": lambda rng: f"2001:db8::{rng.randint(1, 0xFFFF):x}",
    "uuid": lambda rng: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
    "uuid4": lambda rng: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
    "json-pointer": lambda rng: f"/{word(rng)}",
    "regex": word,
}
