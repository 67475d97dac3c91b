"""What stands in for a character that the encoding of a stream lacks: ASCII, an old code page."""

from __future__ import annotations

import codecs
import io
import sys

ESCAPED = "perfectcv-traffic.escaped"
"""Each as an escape that JSON knows too: what programs read stays JSON."""
PLAIN = "perfectcv-traffic.plain"
"""The same, but for our own punctuation, which people read in words of ASCII."""

_PLAIN = {"…": "...", "–": "-", "×": "x", "µ": "u", "·": "-"}


def for_programs() -> None:
    """Have both streams write whatever there is, so that it stays JSON."""
    _set(sys.stdout, ESCAPED)
    _set(sys.stderr, PLAIN)


def for_people() -> None:
    """Have standard output written for people from now on."""
    _set(sys.stdout, PLAIN)


def _set(stream: object, errors: str) -> None:
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=errors)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_escape, error.object[error.start : error.end])), error.end


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_PLAIN.get(char) or _escape(char) for char in text), error.end


def _escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


codecs.register_error(ESCAPED, _escaped)
codecs.register_error(PLAIN, _plain)
