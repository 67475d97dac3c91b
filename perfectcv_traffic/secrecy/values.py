"""Values that follow a name in free text: `pin=1`, `"pin": ["1"]`, `Authorization: Basic x`.

Every pattern takes time in proportion to the text; what was read as a value is not read again.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from perfectcv_traffic.secrecy.names import (
    ANY_NAME,
    AUTH_SCHEMES,
    LINE_STEMS,
    REDACTED,
    IsSecret,
    squeeze,
)

MAX_ASSIGNED_NAME = 64

_NAME_CHARACTERS = f"{string.ascii_letters}{string.digits}_.-"
_RUN = re.compile(r"[\w.-]++")
# The quotes may themselves be escaped: JSON inside a JSON string. Brackets: user[pin], user["pin"].
_AFTER_NAME = re.compile(
    r"""[\w.-]*+(?P<end>)"""
    r"""(?:\]?+\\*+["']?+\]?+\s*+(?P<is>!?=++>?|:=?)\s*+|["'],\s*+(?P<pair>(?=[bBuU"'])))?+"""
)
_STRING = re.compile(
    r"""([bBfFrRuU]{0,2}+(["']))(?:(?<=")(?:[^"\\]|\\.|"")*+"?+|(?<=')(?:[^'\\]|\\.|'')*+'?+)""",
    re.DOTALL,
)
_ESCAPED_STRING = re.compile(r"""(\\++["'])(?:(?!(?<!\\)\1).)*+(?:\1)?+""", re.DOTALL)
_INSIDE = re.compile(
    r"""\\.|"(?:[^"\\]|\\.)*+"|'(?:[^'\\\n]|\\.)*+'|(?P<open>[\[{(])|(?P<close>[\]})])""", re.DOTALL
)
_NAME_FOLLOWS = r"""[\w.\[\]%-]{1,64}+\\*+["']?+\s{0,8}+[=:]"""
_UNQUOTED = re.compile(
    rf"""(?:<[^<>\s"']*+>)?+"""
    rf"""(?:[^\s"'\\,;&<>]++|["'](?=\w)"""
    rf"""|(?:[,;&]|\\++[nrt]?+)(?!\Z|[\s"'<>()\[\]{{}}\\]|{_NAME_FOLLOWS}))*+"""
)
_REST_OF_LINE = re.compile(
    r"""(?:[^"'=\\\r\n]++|=(?:\\*+"[^"\r\n]*+"?+|'[^'\r\n]*+'?+)?+|["'](?=\w)|\\++(?!["'nr]))*+"""
)
_SCHEMES = "|".join(map(re.escape, sorted(AUTH_SCHEMES, reverse=True)))
_SCHEME = re.compile(rf"(?:{_SCHEMES})[ \t]++(?=\S)", re.IGNORECASE)
_OPENING, _CLOSING = ("[", "{", "("), ")]}"
_PREFIXES = "bBfFrRuU"
_NO_VALUES = ("", "null", "none")
_INPUT, _INPUT_ENDS, _INPUT_SHOWN = "inputvalue", ", input_type=", 500
"""What pydantic shows of a value that it refuses is cut in its middle; what ends it, how soon."""


class _Named(NamedTuple):
    """A name in free text, and where the value after it begins."""

    name: str
    start: int
    end: int
    value: int
    separator: str | None
    """None between the two parts of a tuple."""


class _Value(NamedTuple):
    """What is blanked: from the value's beginning to `end`."""

    end: int
    mark: str = ""
    """Quotes around it, which stay."""


def hinted(text: str, hints: tuple[str, ...]) -> Sequence[int]:
    """Where a secret name may stand: near hints, or at every word where any name may be secret."""
    folded = text.lower()
    if hints == ANY_NAME or len(folded) != len(text):
        return [run.start() for run in _RUN.finditer(text)]
    return sorted(at for hint in hints if hint in folded for at in _places(hint, folded))


def without_assigned(text: str, places: Iterable[int], is_secret: IsSecret) -> str:
    """Text whose `name=value` and `name: value` show no value of a secret name.

    Names are looked for at `places`, which `hinted` finds.
    """
    pieces: list[str] = []
    kept_until = 0
    for named in _named(text, places):
        if named.value < kept_until or named.start < kept_until or not is_secret(named.name):
            continue
        value = _value(text, named)
        if value is not None:
            mark = value.mark
            pieces += (text[kept_until : named.value], mark, REDACTED, mark.lstrip(_PREFIXES))
            kept_until = value.end
    return "".join((*pieces, text[kept_until:]))


def _named(text: str, places: Iterable[int]) -> Iterator[_Named]:
    """What looks like a name before a value."""
    seen_until = 0
    for at in places:
        if at < seen_until:
            continue
        after = _AFTER_NAME.match(text, at)
        if after is None:  # it matches anything
            continue
        seen_until = after.end("end")
        start = _name_start(text, at)
        if after["is"] is not None or (after["pair"] is not None and _in_tuple(text, start)):
            name = text[start:seen_until][-MAX_ASSIGNED_NAME:]
            yield _Named(name, start, seen_until, after.end(), after["is"])


def _places(part: str, text: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def _name_start(text: str, position: int) -> int:
    """Where the name begins of which a hint was found."""
    before = text[max(0, position - MAX_ASSIGNED_NAME) : position]
    return position - len(before) + len(before.rstrip(_NAME_CHARACTERS))


def _in_tuple(text: str, start: int) -> bool:
    """Whether a quoted name is the first of a tuple: `('pin', `."""
    return text[max(0, start - 3) : start].rstrip("bBuU\"'").endswith("(")


def _value(text: str, named: _Named) -> _Value | None:
    at, key = named.value, squeeze(named.name)
    if key == _INPUT and (end := text.find(_INPUT_ENDS, at, at + _INPUT_SHOWN)) >= 0:
        return _Value(end)
    quoted = _STRING.match(text, at)
    if named.separator is None:
        whole = quoted is not None and text.startswith(")", quoted.end())
        return _Value(quoted.end(), quoted[1]) if quoted and whole else None
    quoted = quoted or _ESCAPED_STRING.match(text, at)
    return _Value(quoted.end(), quoted[1]) if quoted else _unquoted(text, named, key)


def _unquoted(text: str, named: _Named, key: str) -> _Value | None:
    at, scheme = named.value, _SCHEME.match(text, named.value)
    # In a structure the name stands in quotes, a header's does not.
    is_header = text[named.end] not in "\\\"']" and any(stem in key for stem in LINE_STEMS)
    if is_header and (scheme or named.separator == ":"):
        return _bare(text, at, _REST_OF_LINE.match(text, at))
    if text.startswith(_OPENING, at):
        return _Value(_end_of_container(text, at))
    return _bare(text, at, _UNQUOTED.match(text, scheme.end() if scheme else at), _CLOSING)


def _bare(text: str, at: int, rest: re.Match[str] | None, closing: str = "") -> _Value | None:
    """A value that nothing encloses; brackets that close behind it are not its own."""
    value = text[at : rest.end() if rest else at].rstrip().rstrip(closing)
    return None if value.lower() in _NO_VALUES else _Value(at + len(value))


def _end_of_container(text: str, at: int) -> int:
    """Where the bracket that opens here is closed; the end of the text if it is not."""
    depth = 0
    for part in _INSIDE.finditer(text, at):
        depth += (part["open"] is not None) - (part["close"] is not None)
        if depth == 0 and part["close"] is not None:
            return part.end()
    return len(text)
