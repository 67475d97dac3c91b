"""A text that a regular expression matches: the shortest way through it.

The parser is that of `re` itself, which has no public name; look-arounds and the like are not
followed, and then there is no text.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from importlib import import_module
from typing import Any, Final

codes: Any = import_module("re._constants")
parser: Any = import_module("re._parser")

MAX_REPEATS: Final = 64
MAX_CHARACTERS: Final = 2000
_OF_CATEGORY: Final = {
    codes.CATEGORY_DIGIT: "1",
    codes.CATEGORY_WORD: "a",
    codes.CATEGORY_SPACE: " ",
    codes.CATEGORY_NOT_DIGIT: "a",
    codes.CATEGORY_NOT_SPACE: "a",
    codes.CATEGORY_NOT_WORD: "-",
}
_CANDIDATES: Final = "a1A-_ .@/:"
_REPEATS: Final = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)


def matching_text(pattern: str, shortest: int = 0) -> str | None:
    """A text of at least `shortest` characters that `pattern` is found in, if one is known."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree, compiled = parser.parse(pattern), re.compile(pattern)
            texts = [_text(tree, extra) for extra in (0, max(0, shortest))]
    except (re.error, RecursionError, OverflowError, ValueError, KeyError):
        return None
    fitting: Iterable[str] = (one for one in texts if shortest <= len(one) <= MAX_CHARACTERS)
    return next((one for one in fitting if compiled.search(one)), None)


def _text(tree: Iterable[Any], extra: int) -> str:
    return "".join(_part(code, argument, extra) for code, argument in tree)


def _part(code: Any, argument: Any, extra: int) -> str:
    if code in _REPEATS:
        least, most, inner = argument
        times: int = max(least, min(extra, most))
        return _text(inner, 0) * min(times, MAX_REPEATS)
    if code is codes.SUBPATTERN:
        return _text(argument[-1], extra)
    if code is codes.BRANCH:
        return _text(argument[1][0], extra)
    return _character(code, argument)


def _character(code: Any, argument: Any) -> str:
    if code is codes.LITERAL:
        return chr(argument)
    if code is codes.NOT_LITERAL:
        return next(one for one in _CANDIDATES if one != chr(argument))
    if code is codes.ANY:
        return "a"
    if code is codes.IN:
        return _member(argument)
    if code is codes.AT:
        return ""
    raise ValueError(f"{code} is not followed")


def _member(members: list[tuple[Any, Any]]) -> str:
    if members[0][0] is codes.NEGATE:
        refused = re.compile(f"[{re.escape(''.join(map(_first, members[1:])))}]")
        return next(one for one in _CANDIDATES if not refused.match(one))
    return _first(members[0])


def _first(member: tuple[Any, Any]) -> str:
    code, argument = member
    if code is codes.RANGE:
        return chr(argument[0])
    return _OF_CATEGORY[argument] if code is codes.CATEGORY else chr(argument)
