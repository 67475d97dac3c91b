"""Lines that fit the terminal where they are read, broken at words; for a program as they are."""

from __future__ import annotations

import shutil
from typing import IO

from perfectcv_traffic.render.text import width

INDENT = 2
"""How much further in than the line itself what is carried over begins."""


def wrapped(text: str, stream: IO[str], *, indent: int | None = None) -> str:
    """The text broken at words if the stream is a terminal; a word that is too long stays whole.

    What is carried over begins `indent` cells from the left.
    """
    if not stream.isatty():
        return text
    cells = shutil.get_terminal_size().columns
    return "\n".join(_folded(line, cells, indent) for line in text.split("\n"))


def _folded(line: str, cells: int, indent: int | None) -> str:
    if width(line) <= cells:
        return line
    bare = line.lstrip(" ")
    lead = len(line) - len(bare)
    first, *words = bare.split(" ")
    lines = [" " * lead + first]
    for word in words:
        if width(lines[-1]) + 1 + width(word) <= cells:
            lines[-1] += f" {word}"
        else:
            lines.append(" " * (lead + INDENT if indent is None else indent) + word)
    return "\n".join(lines)
