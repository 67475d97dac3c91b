"""A text that a regular expression matches: the shortest way through it.

Reads what JSON Schema recommends of ECMA-262's syntax: literals, classes, groups, alternatives and
repetitions. Look-arounds, back references and flags are not followed, and then there is no text.
"""

from __future__ import annotations

import re
import string
import warnings
from collections.abc import Callable, Iterable
from random import Random
from typing import Final

MAX_REPEATS: Final = 64
MAX_CHARACTERS: Final = 2000
MAX_GROUPS: Final = 50
"""Groups within groups."""
_ENDLESS: Final = 10**9
_CANDIDATES: Final = "a1A-_ .@/:" + "".join(map(chr, range(33, 127)))
_OF_CATEGORY: Final = {"d": "1", "w": "a", "s": " ", "D": "a", "S": "a", "W": "-"}
_CONTROLS: Final = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_NOWHERE: Final = "bBAZz"
"""Escapes that match between characters."""
_QUANTIFIER: Final = re.compile(r"(?:([*+?])|\{(\d+)(,?)(\d*)\})[?+]?")
_CLASS: Final = re.compile(r"\[\^?\]?(?:[^\]\\]|\\.)*\]", re.DOTALL)
_GROUP: Final = re.compile(r"\((?:\?:|\?P?<[A-Za-z_]\w*>)?(?!\?)")
_CODE: Final = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))")

_Make = Callable[[int], str]
"""The text of a part; repetitions in it go on to so many characters, if they may."""


def matching_text(pattern: str, shortest: int = 0, rng: Random | None = None) -> str | None:
    """A text of at least `shortest` characters that `pattern` is found in, if one is known; with
    `rng` another one each time, as far as letters and digits are free."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = re.compile(pattern)
            reader = _Reader(pattern, rng)
            make = reader.whole()
            texts = [make(extra) for extra in (0, max(0, shortest))]
    except (re.error, _NotFollowedError, RecursionError, OverflowError):
        return None
    texts = [one for one in map(_joined, texts) if one is not None]
    fitting: Iterable[str] = (one for one in texts if shortest <= len(one) <= MAX_CHARACTERS)
    # Repetitions of repetitions may take for ever to search; the text is right by its making.
    return next((one for one in fitting if reader.is_nested or compiled.search(one)), None)


def _joined(text: str) -> str | None:
    r"""ECMA-262 writes what is beyond 16 bits as two halves, `\ud83d\ude00`: as one character, if
    they are a pair."""
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return None


class _NotFollowedError(Exception):
    """The pattern has a part that no text is known for."""


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str, rng: Random | None) -> None:
        self._pattern = pattern
        self._rng = rng
        self.is_nested = False
        """A repetition holds another one, or alternatives."""
        self._at = 0
        self._depth = 0
        self._branches = 0
        """Repetitions and alternatives so far."""

    def whole(self) -> _Make:
        make = self._alternatives()
        if self._at < len(self._pattern):
            raise _NotFollowedError
        return make

    def _alternatives(self) -> _Make:
        first = self._sequence()
        while self._take("|"):
            self._branches += 1
            self._sequence()
        return first

    def _sequence(self) -> _Make:
        parts: list[_Make] = []
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            before = self._branches
            part = self._part()
            parts.append(self._repeated(part, holds_others=self._branches > before))
        return lambda extra: "".join(part(extra) for part in parts)

    def _repeated(self, make: _Make, *, holds_others: bool) -> _Make:
        found = _QUANTIFIER.match(self._pattern, self._at)
        if found is None:
            return make
        self._at = found.end()
        sign, least_text, comma, most_text = found.groups()
        least = int(sign == "+") if sign else int(least_text)
        open_end = sign in ("*", "+") or (bool(comma) and not most_text)
        most = _ENDLESS if open_end else int(most_text or least_text or 1)
        self._branches += 1
        self.is_nested |= holds_others and most > 1
        return lambda extra: _repeat(make, min(max(least, min(extra, most)), MAX_REPEATS))

    def _part(self) -> _Make:
        character = self._pattern[self._at]
        if character == "(":
            return self._group()
        if character == "[":
            return self._class()
        if character == "\\":
            return self._escape()
        self._at += 1
        return _always({".": "a", "^": "", "$": ""}.get(character, character))

    def _group(self) -> _Make:
        found = _GROUP.match(self._pattern, self._at)
        self._depth += 1
        if found is None or self._depth > MAX_GROUPS:
            raise _NotFollowedError
        self._at = found.end()
        make = self._alternatives()
        self._depth -= 1
        if not self._take(")"):
            raise _NotFollowedError
        return make

    def _class(self) -> _Make:
        found = _CLASS.match(self._pattern, self._at)
        if found is None:
            raise _NotFollowedError
        self._at = found.end()
        allowed = re.compile(found[0])
        members = [one for one in _CANDIDATES if allowed.match(one)]
        if not members:
            raise _NotFollowedError
        return self._any_of(members)

    def _escape(self) -> _Make:
        code = _CODE.match(self._pattern, self._at)
        if code is not None:
            self._at = code.end()
            return _always(chr(int(code[1] or code[2], 16)))
        letter = self._pattern[self._at + 1]
        self._at += 2
        if letter in _NOWHERE:
            return _always("")
        if letter in _OF_CATEGORY:
            first = _OF_CATEGORY[letter]
            return self._any_of([first, *string.digits] if letter == "d" else [first])
        known = _CONTROLS.get(letter)
        if known is None and letter.isalnum():
            raise _NotFollowedError
        return _always(known or letter)

    def _any_of(self, members: list[str]) -> _Make:
        """The first of these, or any letter or digit among them."""
        rng, plain = self._rng, [one for one in members if one.isalnum()]
        if rng is None or not plain:
            return _always(members[0])
        return lambda _extra: rng.choice(plain)

    def _take(self, character: str) -> bool:
        is_next = self._pattern.startswith(character, self._at)
        self._at += is_next
        return is_next


def _repeat(make: _Make, times: int) -> str:
    """So many texts, one after the other; repetitions of repetitions end at a length."""
    made, length = [], 0
    for _ in range(times):
        made.append(make(0))
        length += len(made[-1])
        if length > MAX_CHARACTERS:
            raise _NotFollowedError
        if not made[-1]:
            break
    return "".join(made)


def _always(text: str) -> _Make:
    return lambda _extra: text
