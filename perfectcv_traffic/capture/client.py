"""The client's address: the socket's, or what trusted proxies say; never what anyone else says."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence

from perfectcv_traffic.errors import UsageError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_FORWARDED_FOR = re.compile(r"""(?:^|[;,\s])for=(?:"([^"]*)"|([^;,\s]*))""", re.IGNORECASE)


class TrustedProxies:
    """The proxies whose forwarding headers are believed; `*` believes everyone."""

    def __init__(self, proxies: Iterable[str] = ()) -> None:
        names = tuple(proxies)
        self._everyone = "*" in names
        self._networks = tuple(_network(name) for name in names if name != "*")

    def client_ip(self, peer: str | None, headers: Sequence[tuple[str, str]]) -> str | None:
        """The client's address: the first untrusted one, walking from the socket outwards.

        `peer` is the socket's address (None for a Unix socket), `headers` have lower-case names.
        """
        if not self._trusts(peer):
            return normalise(peer)
        client = normalise(peer)
        for hop in reversed(_forwarded(headers)):
            address = normalise(hop)
            if address is None:
                return client
            client = address
            if not self._trusts(address):
                break
        return client

    def _trusts(self, name: str | None) -> bool:
        if self._everyone:
            return True
        address = _address(name or "")
        return address is not None and any(address in network for network in self._networks)


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


def _address(name: str) -> Address | None:
    host = name.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _network(name: str) -> Network:
    try:
        return ipaddress.ip_network(name, strict=False)
    except ValueError as error:
        raise UsageError(f"trusted_proxies: {name!r} is no address or CIDR block") from error
