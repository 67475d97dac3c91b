"""Identities of requests and of log lines, unlike those of any other process."""

from __future__ import annotations

import itertools
import os
import random
import secrets

_VERSION_4 = ~(0xF << 76) & ~(0x3 << 62), (0x4 << 76) | (0x2 << 62)
"""What RFC 9562 fixes in a random UUID: a mask, and the bits of version and variant."""

# Of our own: an application that seeds Python's must not get the same identities again.
_random = random.Random()


class _Lines:
    """Numbers the lines of this process."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """In a forked worker, which must not repeat its parent's."""
        self.prefix = secrets.token_hex(8)
        self.numbers = itertools.count()


_lines = _Lines()


def new_request_id() -> str:
    """A version 4 UUID; `uuid.uuid4` takes ten times as long."""
    mask, fixed = _VERSION_4
    digits = f"{_random.getrandbits(128) & mask | fixed:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def new_event_id() -> str:
    """The identity of one line of the log: 24 digits, chosen by nobody but us."""
    return f"{_lines.prefix}{next(_lines.numbers):08x}"


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)
    os.register_at_fork(after_in_child=_lines.renew)
