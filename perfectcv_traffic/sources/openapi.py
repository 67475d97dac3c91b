"""The OpenAPI document that traffic is held against: from a file or a URL."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import TYPE_CHECKING

from perfectcv_traffic.log.routes import of_openapi

if TYPE_CHECKING:
    from perfectcv_traffic.generate.openapi import Document

TIMEOUT = 30.0


def document(source: str, allow_hosts: Collection[str] = ()) -> Document:
    """The document in a file or at a URL, which is fetched by the rules of `generate`.

    Raises `DocumentError`, `StorageError`, `TargetError`; `UsageError` for another host.
    """
    from perfectcv_traffic.generate.load import read_document
    from perfectcv_traffic.generate.openapi import is_address

    if is_address(source):
        return asyncio.run(_fetched(source, allow_hosts))
    return read_document(source)


def templates(document: Document) -> list[str]:
    """Its path templates, also of operations that are broken: a path is all that is needed."""
    return of_openapi(document.root)


def flaws(document: Document) -> str | None:
    """Which of its operations are broken, in one line; None if all are whole."""
    from perfectcv_traffic.generate.operations import parse_operations

    _, broken = parse_operations(document)
    if not broken:
        return None
    first = broken[0]
    more = f", and {len(broken) - 1} more" if broken[1:] else ""
    return f"{first.method} {first.path} is broken ({first.reason}){more}"


def operations(document: Document) -> frozenset[tuple[str, str]]:
    """Method and path of every operation."""
    from perfectcv_traffic.generate.operations import ANY_METHOD, parse_operations

    found, left_out = parse_operations(document)
    return frozenset((one.method, one.path) for one in found) | frozenset(
        (one.method, one.path) for one in left_out if one.method != ANY_METHOD
    )


async def _fetched(url: str, allow_hosts: Collection[str]) -> Document:
    from perfectcv_traffic.generate.encoding import WireRequest
    from perfectcv_traffic.generate.load import fetched
    from perfectcv_traffic.generate.send import Sender
    from perfectcv_traffic.generate.setup_sender import MAX_SETUP_BYTES
    from perfectcv_traffic.generate.target import check_host, parse_address

    address = parse_address(url)
    check_host(address, allow_hosts)
    headers = {"Accept": "application/json"}  # no marks: it is no test traffic
    request = WireRequest(method="GET", path=address.path, url=url, headers=headers)
    async with Sender(timeout=TIMEOUT) as sender:
        return fetched(await sender.send(request, limit=MAX_SETUP_BYTES), url)
