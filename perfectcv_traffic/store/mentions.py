"""Whether a line that nobody could read names a client, however its writer has written it.

A client is found as a word of its own: `a` is not named by every line with that letter, nor
10.0.0.1 by one of 10.0.0.12. What may stand on either side (a port, quotes, brackets, a letter
before an address) names it all the same: rather one line too many than one that is left.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
"""Of JSON, of nginx and Apache (`\\x22`), or of one character (`\\n`, `\\/`)."""
_NESTED = 3
"""How often a text is unescaped: JSON may stand within JSON."""

_NEIGHBOURS = {ipaddress.IPv4Address: "0-9", ipaddress.IPv6Address: "0-9a-f", type(None): "0-9a-z"}
"""What on either side of a client makes it a part of something else."""

_WRITTEN = re.compile(r"[0-9a-f:.]{2,}", re.IGNORECASE)
"""What may be an IPv6 address, in any of its spellings."""
_LONGEST = len("0000:0000:0000:0000:0000:ffff:255.255.255.255")


def mention_of(client: str) -> Callable[[str], bool]:
    """Tells of a text whether it names the client: an address, a masked token, any other name."""
    address = _address(client)
    neighbours = _NEIGHBOURS[type(address)]
    word = re.compile(f"(?<![{neighbours}]){re.escape(client)}(?![{neighbours}])", re.IGNORECASE)

    def is_named(text: str) -> bool:
        return any(
            word.search(one) is not None or (address is not None and address in _addresses(one))
            for one in _readings(text)
        )

    return is_named


def _readings(text: str) -> Iterator[str]:
    """The text as it is, and with its escapes undone."""
    for _ in range(_NESTED):
        yield text
        plain = unquote(_ESCAPE.sub(_unescaped, text))
        if plain == text:
            return
        text = plain
    yield text


def _unescaped(escape: re.Match[str]) -> str:
    code, other = escape[1] or escape[2], escape[3]
    if code:
        return chr(int(code, 16))
    return " " if other in "bfnrt" else other


def _addresses(text: str) -> set[Address | None]:
    found = (one[0].rstrip(".") for one in _WRITTEN.finditer(text))
    return {_address(one) for one in found if ":" in one and len(one) <= _LONGEST}


def _address(text: str) -> Address | None:
    """An address, one of IPv4 that is written as IPv6 as such; None for anything else."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
