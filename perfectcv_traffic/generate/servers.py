"""Where a document's paths hang: the base URL that requests are joined to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, urljoin, urlsplit

from perfectcv_traffic.generate.encoding import PATH_SAFE
from perfectcv_traffic.generate.openapi import Document, Schema, quoted
from perfectcv_traffic.generate.target import Target


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
    return target.origin + next(_server_paths(document, target), "")


def _server_paths(document: Document, target: Target) -> Iterator[str]:
    for node in document.items(document.root.get("servers")):
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
