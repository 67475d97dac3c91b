"""Where a document's paths hang: the base URL that requests are joined to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, urljoin, urlsplit

from perfectcv_traffic.generate.encoding import PATH_SAFE
from perfectcv_traffic.generate.openapi import Document, DocumentError, Json, Schema, quoted
from perfectcv_traffic.generate.operations import LeftOut, Operation
from perfectcv_traffic.generate.target import Target

ELSEWHERE = "it has servers of its own, and none is the target"


def base_url(document: Document, target: Target) -> str:
    """The URL before every path of `document`, always at the target's own host.

    A path in the target is taken as said, unless the document's paths already begin with it.
    Without one, the document's first server that is relative or this very host counts; others
    describe another installation.
    """
    if target.path:
        paths = document.root.get("paths", {})
        is_included = bool(paths) and all(
            f"{path}/".startswith(f"{target.path}/") for path in paths
        )
        return target.origin if is_included else target.base
    return target.origin + next(_server_paths(document, target, document.root.get("servers")), "")


def served_here(
    document: Document, target: Target, operations: Iterable[Operation]
) -> tuple[tuple[Operation, ...], tuple[LeftOut, ...]]:
    """The operations below the base URL, and those that have servers of their own elsewhere."""
    base, kept, left_out = base_url(document, target), list[Operation](), list[LeftOut]()
    for one in operations:
        why = _why_elsewhere(document, target, base, one.servers)
        if why is None:
            kept.append(one)
        else:
            left_out.append(LeftOut(method=one.method, path=one.path, reason=why))
    return tuple(kept), tuple(left_out)


def _why_elsewhere(document: Document, target: Target, base: str, own: Json) -> str | None:
    if not own or target.path:
        return None
    try:
        bases = {target.origin + path for path in _server_paths(document, target, own)}
    except DocumentError as error:
        return error.flaw
    return None if base in bases else ELSEWHERE


def _server_paths(document: Document, target: Target, servers: Json) -> Iterator[str]:
    for node in document.items(servers):
        server = document.resolve(node)
        url = _filled_in(document, server)
        try:
            parts = urlsplit(urljoin(f"{target.origin}/", url))
        except ValueError as error:
            raise document.broken(f"server {quoted(url)} is not a URL") from error
        if f"{parts.scheme}://{parts.netloc}" == target.origin and parts.path.isprintable():
            yield quote(parts.path.rstrip("/"), safe=PATH_SAFE)


def _filled_in(document: Document, server: Schema) -> str:
    variables = document.resolve(server.get("variables", {}))

    def default(variable: re.Match[str]) -> str:
        return str(document.resolve(variables.get(variable[1], {})).get("default", ""))

    return re.sub(r"\{([^{}]*)\}", default, str(server.get("url", "/")))
