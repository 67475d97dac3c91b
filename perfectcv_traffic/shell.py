"""Words of a shell command made of somebody else's bytes: none of them is ever run.

Only what stands here as a `Variable` is left to the shell; all the rest is quoted, whatever it is.
What acts on a terminal, or is no UTF-8, is written as an escape, which bash and zsh understand.
"""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple


class Variable(NamedTuple):
    """A variable of the shell that runs the command: it holds what is not known here."""

    name: str


_PLAIN = re.compile(rb"[A-Za-z0-9 ,.:/_-]*")
"""Bytes that mean themselves between double quotes."""


def word(*pieces: bytes | Variable) -> str:
    """One word of a command, which is its pieces one after the other."""
    known = [piece for piece in pieces if isinstance(piece, bytes)]
    if len(known) == len(pieces):
        return quoted(b"".join(known))
    if all(map(_PLAIN.fullmatch, known)):
        return '"' + "".join(map(_open, pieces)) + '"'
    return "".join(
        quoted(piece) if isinstance(piece, bytes) else f'"{_open(piece)}"' for piece in pieces
    )


def _open(piece: bytes | Variable) -> str:
    return piece.decode("ascii") if isinstance(piece, bytes) else f"${piece.name}"


def quoted(octets: bytes) -> str:
    """Bytes as one word that means just them."""
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if text.isprintable() and (text or not octets):
        return shlex.quote(text)
    return f"$'{''.join(map(_escaped, octets))}'"


def _escaped(octet: int) -> str:
    char = chr(octet)
    if char in "\\'":
        return f"\\{char}"
    return char if char.isascii() and char.isprintable() else f"\\x{octet:02x}"
