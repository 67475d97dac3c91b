"""Text that somebody else chose (paths, field names), made harmless and fitting before it is shown.

A width is counted in character cells, as on a terminal: wide (East Asian) characters take two.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Mapping

ELLIPSIS = "…"


def visible(text: str) -> str:
    """The text with every character that acts instead of being seen written as an escape.

    That is all control, format (bidi overrides, zero-width), surrogate, private, unassigned and
    odd space characters: what `str.isprintable` refuses.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else escape(char) for char in text)


def sentence(text: str) -> str:
    """The text with a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


def chosen(filters: Mapping[str, str]) -> str:
    """Which requests are looked at, harmless; nothing if all are."""
    only = ", ".join(f"{name} {text}" for name, text in filters.items())
    return visible(f"Only {only}") if only else ""


def escape(char: str) -> str:
    r"""A character as its visible Python escape: `\x1b`, `\u202e`, `\U000e0001`."""
    return char.encode("unicode_escape").decode("ascii")


def width(text: str) -> int:
    """Cells that the text takes at most: a combining mark counts as one."""
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


def cut_middle(text: str, cells: int) -> str:
    """The text in at most `cells` cells, what is too much replaced by … in its middle.

    Both ends are kept: a path's end tells endpoints apart as much as its start.
    """
    if width(text) <= cells:
        return text
    tail = _head(text[::-1], (cells - 1) // 2)[::-1]
    head = _head(text, cells - 1 - width(tail))
    return f"{head}{ELLIPSIS}{tail}" if cells > 0 else ""


def fold(text: str, cells: int, lines: int) -> str:
    """The text on at most `lines` lines of `cells` cells, broken at / where that costs no text."""
    folded = []
    while lines > 1 and width(text) > cells:
        head = _head(text, cells)
        slash = head.rfind("/", 1)
        if slash > len(head) * 2 // 3 or width(text[slash:]) <= cells * (lines - 1):
            head = head[:slash] if slash > 0 else head
        folded.append(head)
        text = text[len(head) :]
        lines -= 1
    return "\n".join([*folded, cut_middle(text, cells)])


def _head(text: str, cells: int) -> str:
    """The longest start of the text that fits."""
    if text.isascii():
        return text[: max(cells, 0)]
    ends = itertools.accumulate(map(_cells, text))
    return text[: sum(end <= cells for end in ends)]


def _cells(char: str) -> int:
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
