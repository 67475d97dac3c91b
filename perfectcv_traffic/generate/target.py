"""The base URL under test, and the rule which hosts may be spoken to.

Test traffic goes to this machine only, unless a host is allowed by name.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from dataclasses import dataclass

import httpx

from perfectcv_traffic.errors import TargetError, UsageError

MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Target:
    """A base URL in parts: `origin` is scheme, host and port; `path` has no trailing slash."""

    origin: str
    path: str

    @property
    def base(self) -> str:
        """The base URL without trailing slash."""
        return self.origin + self.path


def parse_target(address: str) -> Target:
    """The target at `address`; `UsageError` when it is no plain http(s) base URL."""
    url = parse_address(address)
    if url.query or url.fragment:
        raise UsageError(f"target {address!r} must be a base URL: leave out ? and #")
    return Target(origin=_origin(url), path=url.raw_path.decode("ascii").rstrip("/"))


def open_target(address: str, allow_hosts: Collection[str]) -> Target:
    """The target at `address`, which may be sent to. Raises `UsageError`, `TargetError`."""
    target = parse_target(address)
    check_host(parse_address(target.base), allow_hosts)
    return target


def parse_address(address: str) -> httpx.URL:
    """An http(s) URL, read by the same parser that will send to it."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise UsageError(f"address {address!r} is not a URL: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise UsageError(f"address {address!r} is not a URL: write http://HOST:PORT")
    if url.userinfo:
        # Not repeated in the message: it is a secret. It would also authenticate `no_token`.
        raise UsageError(f"address of {url.host}: give user name and password as credentials")
    if url.port is not None and url.port > MAX_PORT:
        raise UsageError(f"address {address!r} has no such port: give one up to {MAX_PORT}")
    return url


def check_host(url: httpx.URL, allow_hosts: Collection[str]) -> None:
    """Raise unless the host is allowed by name or every address of it is loopback or allowed."""
    if url.host in allow_hosts:
        return
    for address in _addresses(url):
        if not ipaddress.ip_address(address).is_loopback and address not in allow_hosts:
            raise UsageError(
                f"{url.host} is {address}, not this machine:"
                f" allow the host {url.host} by name to send test traffic there"
            )


def _addresses(url: httpx.URL) -> list[str]:
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise TargetError(f"{url.host} has no address ({error}): check the host name") from error
    # An IPv6 address may carry its zone: fe80::1%eth0.
    return sorted({str(entry[4][0]).partition("%")[0] for entry in found})


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"
