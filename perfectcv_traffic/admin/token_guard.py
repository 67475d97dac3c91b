"""Who may use the admin endpoints: the token, and how often it may be guessed."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import NamedTuple

MAX_FAILURES = 10
"""Wrong tokens that one address may send within `WINDOW_SECONDS`."""
WINDOW_SECONDS = 60.0
MAX_ADDRESSES = 10_000

UNGUESSABLE = 20
"""Characters of a token that nobody guesses, however often it is tried."""

_IPV6_NETWORK = 64
_CREDENTIAL_HEADERS = (b"authorization", b"x-admin-token")


class Refusal(NamedTuple):
    """An answer to somebody who may not come in."""

    status: int
    detail: str
    headers: tuple[tuple[str, str], ...] = ()


_CHALLENGE = (("WWW-Authenticate", 'Bearer realm="perfectcv-traffic"'),)
MISSING = Refusal(401, "send the admin token: Authorization: Bearer …", _CHALLENGE)
MALFORMED = Refusal(401, "malformed Authorization header: send Bearer and one token", _CHALLENGE)
WRONG = Refusal(403, "wrong admin token")

Headers = list[tuple[bytes, bytes]]


class Attempts:
    """Failed attempts per address, which may be that of a proxy with many clients behind it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def wait(self, address: str) -> float:
        """Seconds until the address may try again; 0 if it may now."""
        recent = self._recent(address)
        if len(recent) < MAX_FAILURES:
            return 0.0
        return recent[0] + WINDOW_SECONDS - self._clock()

    def failed(self, address: str) -> None:
        """Count a failed attempt."""
        recent = [*self._recent(address), self._clock()]
        key = _network(address)
        self._failures[key] = recent[-MAX_FAILURES:]
        self._failures.move_to_end(key)
        while len(self._failures) > MAX_ADDRESSES:
            self._failures.popitem(last=False)

    def _recent(self, address: str) -> list[float]:
        since = self._clock() - WINDOW_SECONDS
        return [at for at in self._failures.get(_network(address), ()) if at > since]


class Guard:
    """Judges the credential of an admin request; the same work for every token.

    From an address with too many failed attempts no other wrong token is looked at. The right one
    is let in all the same, or anybody behind the same proxy could lock its owner out; only a token
    so short that it might be guessed then is not.
    """

    def __init__(self, token: str, clock: Callable[[], float] = time.monotonic) -> None:
        # A browser sends a letter such as ü as Latin-1, other clients as UTF-8.
        spellings = {token.strip().encode(how, "backslashreplace") for how in ("utf-8", "latin-1")}
        self._digests = tuple(map(_digest, spellings))
        self._may_be_guessed = len(token.strip()) < UNGUESSABLE
        self._attempts = Attempts(clock)

    def refusal(self, headers: Headers, address: str) -> Refusal | None:
        """Why this request is refused; None lets it in."""
        sent = credential(headers)
        if sent is None:
            return MISSING  # nothing was guessed
        is_right = self._is_right(sent)
        wait = self._attempts.wait(address)
        if wait > 0 and (self._may_be_guessed or not is_right):
            retry = (("Retry-After", str(int(wait) + 1)),)
            return Refusal(429, "too many failed attempts from this address", retry)
        if is_right:
            return None
        self._attempts.failed(address)
        return WRONG if sent else MALFORMED

    def _is_right(self, sent: bytes) -> bool:
        matches = [hmac.compare_digest(_digest(sent), digest) for digest in self._digests]
        return bool(sent) and any(matches)


def credential(headers: Headers) -> bytes | None:
    """The token that was sent; b"" when its header is malformed, None when there is none."""
    values = {name: value for name, value in reversed(headers) if name in _CREDENTIAL_HEADERS}
    if b"x-admin-token" in values:
        return values[b"x-admin-token"].strip()
    if b"authorization" not in values:
        return None
    scheme, _, token = values[b"authorization"].strip().partition(b" ")
    token = token.strip()
    return token if scheme.lower() == b"bearer" and b" " not in token else b""


def without_credentials(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The headers as they may be recorded: that a token was sent, nothing of what it was."""
    blanked = {b"authorization": b"Bearer ***", b"x-admin-token": b"***"}
    return [(name, blanked.get(name, value)) for name, value in headers]


def _digest(token: bytes) -> bytes:
    # Of equal length whatever was sent: a comparison of the tokens would tell their lengths.
    return hashlib.sha256(token).digest()


def _network(address: str) -> str:
    """What counts as one address: a client has a whole /64 of IPv6 to itself."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, _IPV6_NETWORK), strict=False))
    return address
