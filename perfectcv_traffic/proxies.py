"""The client's address: the socket's, or what proxies say that are trusted; never what others say.

One walk for the recorder, which sees headers, and for access logs, which have them appended.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from perfectcv_traffic.errors import UsageError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_FORWARDED_FOR = re.compile(r"""(?:^|[;,\s])for=(?:"([^"]*)"|([^;,\s]*))""", re.IGNORECASE)

EVERYONE, UNIX_SOCKET = "*", "unix"

REMEMBERED_ADDRESSES = 4096
MAX_ADDRESS = 100
"""Characters of an address with port and zone: what is longer is none, and is not remembered."""

logger = logging.getLogger("perfectcv_traffic")


class TrustedProxies:
    """The proxies whose forwarding headers are believed: addresses, CIDR blocks.

    `*` believes everyone, `unix` what comes through a Unix socket.
    """

    def __init__(self, proxies: Iterable[str] = ()) -> None:
        names = tuple(proxies)
        self._everyone = EVERYONE in names
        self._unix_socket = UNIX_SOCKET in names
        self._networks = tuple(
            _network(name) for name in names if name not in (EVERYONE, UNIX_SOCKET)
        )
        if self._everyone:
            logger.warning("trusted_proxies='*': any client can claim any address")

    def client_ip(self, peer: str | None, headers: Sequence[tuple[str, str]]) -> str | None:
        """The client's address: the first untrusted one, walking from the socket outwards.

        `peer` is the socket's address (None for a Unix socket), `headers` have lower-case names.
        """
        return self.client_behind(peer, _forwarded(headers) if self.believes(peer) else ())

    def client_behind(self, peer: str | None, hops: Sequence[str]) -> str | None:
        """The client's address, given the addresses that were forwarded, the nearest last."""
        client = normalise(peer)
        if not self.believes(peer):
            return client
        for hop in reversed(hops):
            client = normalise(hop)
            if client is None:  # "unknown", "_hidden", garbage: who is behind it cannot be told
                return None
            if not self._trusts(client):
                break
        return client

    def believes(self, peer: str | None) -> bool:
        """Whether headers count that come from a socket's address, None for a Unix socket."""
        return self._trusts(peer) if peer else self._everyone or self._unix_socket

    def _trusts(self, name: str | None) -> bool:
        if self._everyone or not self._networks:
            return self._everyone
        found = address(name or "")
        return found is not None and any(found in network for network in self._networks)


def normalise(name: str | None) -> str | None:
    """An address in its shortest spelling without port; a name that is no address as it is."""
    return _normalised(name) if name and len(name) <= MAX_ADDRESS else None


def address(name: str) -> Address | None:
    """The address that a text is, with or without port, brackets, zone; None if it is none."""
    return _address(name) if len(name) <= MAX_ADDRESS else None


def hops(forwarded_for: str) -> list[str]:
    """The addresses in the value of an X-Forwarded-For header, the nearest last."""
    return [hop for part in forwarded_for.split(",") if (hop := part.strip())]


@lru_cache(REMEMBERED_ADDRESSES)
def _normalised(name: str) -> str | None:
    found = _address(name)
    if found is not None:
        return str(found)
    return name if name.isidentifier() and name != "unknown" and name[0] != "_" else None


def _forwarded(headers: Sequence[tuple[str, str]]) -> list[str]:
    standard = [value for name, value in headers if name == "forwarded"]
    if standard:
        return [quoted or bare for quoted, bare in _FORWARDED_FOR.findall(", ".join(standard))]
    usual = [value for name, value in headers if name == "x-forwarded-for"]
    return hops(",".join(usual))


@lru_cache(REMEMBERED_ADDRESSES)
def _address(name: str) -> Address | None:
    host = name.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        found = ipaddress.ip_address(host.partition("%")[0])  # without the zone of its link
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _network(name: str) -> Network:
    try:
        return ipaddress.ip_network(name, strict=False)
    except ValueError as error:
        raise UsageError(f"trusted_proxies: {name!r} is no address or CIDR block") from error
