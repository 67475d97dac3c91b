"""The client's address as it may be recorded: whole, masked, hashed or not at all."""

from __future__ import annotations

import hmac
import ipaddress
import logging
import os
import secrets
from functools import lru_cache
from pathlib import Path

from perfectcv_traffic import proxies

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
REMEMBERED_NAMES = 512

logger = logging.getLogger("perfectcv_traffic")


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
    address = proxies.address(name)
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
