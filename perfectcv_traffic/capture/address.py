"""Where a request went: its URL as the client saw it and its path, free of secrets."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote

from perfectcv_traffic.capture.exchange import Exchange
from perfectcv_traffic.redaction import Redactor
from perfectcv_traffic.secrecy.names import REDACTED

_HOST = re.compile(r"[\w.:\[\]%-]{1,255}\Z")
_ORDINARY = re.compile(r"[\w/.,~+-]*\Z", re.ASCII)
"""A path that names and separates nothing else."""
_PATH_SAFE = "/:@!$&'()*+,;=~-._%"


class Address(NamedTuple):
    """Parts of a request's address, redacted."""

    url: str
    path: str


def address(exchange: Exchange, host: str, shown_query: str, redactor: Redactor) -> Address:
    """The address of a request whose Host header is `host`, "" if it has none."""
    path, raw = exchange.path, _raw_path(exchange)
    for name, value in exchange.path_params.items():
        if value and redactor.is_secret(name):  # /reset/{token}
            path = path.replace(str(value), REDACTED)
            raw = raw.replace(quote(str(value)), REDACTED).replace(str(value), REDACTED)
    authority = host if host and _HOST.match(host) else _server(exchange)
    url = f"{exchange.scheme}://{authority}{raw}"
    is_ordinary = _ORDINARY.match(raw) and redactor.is_plain(url)
    if not is_ordinary:
        url = redactor.url(url)
    if not ((is_ordinary and path == raw) or (_ORDINARY.match(path) and redactor.is_plain(path))):
        path = redactor.text(path) if "=" in path else redactor.shapes(path)
    return Address(f"{url}?{shown_query}" if shown_query else url, path)


def _raw_path(exchange: Exchange) -> str:
    """The whole path, percent-encoded, with the root path in it exactly once."""
    raw = exchange.raw_path
    path = raw.decode("latin-1") if raw else quote(exchange.path, safe=_PATH_SAFE, errors="replace")
    if "?" in path:
        path = path.partition("?")[0]
    root = exchange.root_path
    return path if not root or path == root or path.startswith(root + "/") else root + path


def _server(exchange: Exchange) -> str:
    if exchange.server is None:
        return "localhost"
    host, port = exchange.server
    return host if port is None else f"{host}:{port}"
