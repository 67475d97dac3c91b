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
_FIRST_YEAR, _LAST_YEAR = 1900, 2799
_PER_YEAR = 10**16
_PLACES = 100 ** np.arange(7, -1, -1)
"""What a pair of digits after the year counts for."""


def encoded(texts: Sequence[str | None]) -> Integers | None:
    """Times as integers; None if any text is missing or not of the fixed width and form."""
    try:
        joined = "\n".join(texts).encode("ascii") + b"\n"  # type: ignore[arg-type]
    except (TypeError, UnicodeEncodeError):
        return None
    if len(joined) != len(texts) * len(_FORM):
        return None
    signs = np.frombuffer(joined, np.uint8).reshape(-1, len(_FORM)).T.copy()
    digits = signs[_DIGITS] - np.uint8(ord("0"))
    if digits.max() > 9 or (signs[_SIGNS] != _SIGN_CODES[:, np.newaxis]).any():  # noqa: PLR2004
        return None
    return _numbers(digits[::2] * 10 + digits[1::2])


def _numbers(pairs: npt.NDArray[np.uint8]) -> Integers | None:
    """Times from two digits at once."""
    known = pairs.astype(np.int64)
    year = known[0] * 100 + known[1]
    if year.min() < _FIRST_YEAR or year.max() > _LAST_YEAR:
        return None
    found: Integers = (year - _FIRST_YEAR) * _PER_YEAR + _PLACES @ known[2:]
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
