"""Timestamps of fixed width as integers that order as their texts do, and back.

The integer's digits are those of the text, the century less 19: `2026-11-21T22:05:00.123456Z` is
126_11_21_22_05_00_123456. So the hour is the integer without its last ten digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

PER_HOUR = 10**10
"""Divide a time by this to get its hour."""

_FORM = "dddd-dd-ddTdd:dd:dd.ddddddZ\n"
_DIGITS = [position for position, sign in enumerate(_FORM) if sign == "d"]
_SIGNS = [position for position, sign in enumerate(_FORM) if sign != "d"]
_BEFORE = dict(zip(_DIGITS[1:], _DIGITS, strict=False))
_SIGN_CODES = np.frombuffer("".join(_FORM[place] for place in _SIGNS).encode(), np.uint8)
_TO_FORM = bytes.maketrans(b"d0123456789", b"?dddddddddd")
_FIRST_YEAR = 1900
_PER_YEAR = 10**16
_PLACES = 100 ** np.arange(7, -1, -1)
"""What a pair of digits after the year counts for."""


def joined(texts: Sequence[str | None]) -> bytes | None:
    """Times, a line for each; None if any is missing, not of this form, or not from 2000 to 2799.

    Nothing but bytes' own methods: the times of a few hundred lines are checked at once.
    """
    try:
        found = "\n".join(texts).encode("ascii") + b"\n"  # type: ignore[arg-type]
    except (TypeError, UnicodeEncodeError):
        return None
    width = len(_FORM)
    if found.translate(_TO_FORM) != _FORM.encode() * len(texts):
        return None
    return None if found[::width].strip(b"2") or found[1::width].strip(b"01234567") else found


def encoded(joined: bytes) -> Integers:
    """Joined times as integers."""
    signs = np.frombuffer(joined, np.uint8).reshape(-1, len(_FORM)).T
    digits = signs[_DIGITS] - np.uint8(ord("0"))
    pairs = (digits[::2] * 10 + digits[1::2]).astype(np.int64)
    year = pairs[0] * 100 + pairs[1]
    found: Integers = (year - _FIRST_YEAR) * _PER_YEAR + _PLACES @ pairs[2:]
    return found


def texts(times: Integers) -> list[str]:
    """The timestamps of integers."""
    if not len(times):
        return []
    signs = np.empty((len(_FORM), len(times)), np.uint8)
    signs[_SIGNS] = _SIGN_CODES[:, np.newaxis]
    year, rest = np.divmod(times, _PER_YEAR)
    for place, pair in zip(_DIGITS[::-2], _pairs(rest, year + _FIRST_YEAR), strict=True):
        signs[place] = pair % 10 + ord("0")
        signs[_BEFORE[place]] = pair // 10 + ord("0")
    return signs.T.tobytes().decode().split("\n")[:-1]


def _pairs(rest: Integers, year: Integers) -> Iterator[Integers]:
    """Two digits at once, the last ones first."""
    for number, pairs in ((rest, 8), (year, 2)):
        left = number
        for _ in range(pairs):
            left, pair = np.divmod(left, 100)
            yield pair


def hour_texts(hours: Integers) -> list[str]:
    """The hours, as the summary has them, of integers divided by `PER_HOUR`."""
    return [text[:13] for text in texts(hours * PER_HOUR)]
