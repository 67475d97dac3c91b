"""The client's address: the socket's, or what trusted proxies say; never what anyone else says."""

from __future__ import annotations

import hmac
import ipaddress
import logging
import os
import re
import secrets
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from perfectcv_traffic.errors import UsageError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_FORWARDED_FOR = re.compile(r"""(?:^|[;,\s])for=(?:"([^"]*)"|([^;,\s]*))""", re.IGNORECASE)


EVERYONE, UNIX_SOCKET = "*", "unix"

MASKED_BITS = {4: 16, 6: 80}
"""Bits of an address that a masked one loses, by version of IP."""

IP_HEADERS = frozenset({"cf-pseudo-ipv4", "forwarded", "x-forwarded"})
IP_STEMS = (
    "clientaddress", "clientip", "connectingip", "connectionip", "externaladdress", "forwardedfor",
    "originatingip", "peeraddr", "proxiedfor", "realip", "remoteaddr", "remoteip", "socketip",
    "userip",
)  # fmt: skip
"""In the names of request headers that carry client addresses, which each proxy and cloud calls
otherwise: blanked when the address is not kept whole."""

_KEY_BYTES = 32
REMEMBERED_ADDRESSES = 4096
REMEMBERED_NAMES = 512

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
        if not self.believes(peer):
            return normalise(peer)
        client = normalise(peer)
        for hop in reversed(_forwarded(headers)):
            address = normalise(hop)
            if address is None:  # "unknown", "_hidden", garbage: who is behind it cannot be told
                return None
            client = address
            if not self._trusts(address):
                break
        return client

    def believes(self, peer: str | None) -> bool:
        """Whether headers count that come from a socket's address, None for a Unix socket."""
        return self._trusts(peer) if peer else self._everyone or self._unix_socket

    def _trusts(self, name: str | None) -> bool:
        if self._everyone or not self._networks:
            return self._everyone
        address = _address(name or "")
        return address is not None and any(address in network for network in self._networks)


@lru_cache(REMEMBERED_NAMES)
def carries_address(name: str) -> bool:
    """Whether a request header, its name in lower case, tells the client's address."""
    squeezed = name.replace("-", "").replace("_", "")
    return name in IP_HEADERS or any(stem in squeezed for stem in IP_STEMS)


def anonymised(address: str | None, mode: str, key: bytes) -> str | None:
    """An address as it may be recorded; `mode` is full, masked, hashed or none."""
    if address is None or mode == "none":
        return None
    if mode == "hashed":
        return hmac.digest(key, address.encode("utf-8", "replace"), "sha256")[:8].hex()
    if mode == "masked":
        return _masked(address)
    return address


def _masked(name: str) -> str | None:
    address = _address(name)
    if address is None:
        return None
    prefix = address.max_prefixlen - MASKED_BITS[address.version]
    return str(ipaddress.ip_network((address, prefix), strict=False).network_address)


def install_key(path: Path) -> bytes:
    """The secret key kept in a file of its own, made at the first call; all workers share it.

    Without one that can be kept, a key for this process only.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_bytes(secrets.token_bytes(_KEY_BYTES))
        try:
            os.link(draft, path)  # the first worker wins, whole
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        return path.read_bytes()
    except OSError as error:
        logger.warning("client addresses are hashed with a key of this process: %s", error)
        return secrets.token_bytes(_KEY_BYTES)


@lru_cache(REMEMBERED_ADDRESSES)
def normalise(name: str | None) -> str | None:
    """An address in its shortest spelling without port; a name that is no address as it is."""
    if not name:
        return None
    address = _address(name)
    if address is not None:
        return str(address)
    return name if name.isidentifier() and name != "unknown" and name[0] != "_" else None


def _forwarded(headers: Sequence[tuple[str, str]]) -> list[str]:
    standard = [value for name, value in headers if name == "forwarded"]
    if standard:
        return [quoted or bare for quoted, bare in _FORWARDED_FOR.findall(", ".join(standard))]
    usual = [value for name, value in headers if name == "x-forwarded-for"]
    return [hop.strip() for hop in ",".join(usual).split(",") if hop.strip()]


@lru_cache(REMEMBERED_ADDRESSES)
def _address(name: str) -> Address | None:
    host = name.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ipaddress.ip_address(host.partition("%")[0])  # without the zone of its link
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _network(name: str) -> Network:
    try:
        return ipaddress.ip_network(name, strict=False)
    except ValueError as error:
        raise UsageError(f"trusted_proxies: {name!r} is no address or CIDR block") from error
