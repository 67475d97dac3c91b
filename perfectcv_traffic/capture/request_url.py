"""Where a request went: its URL as the client saw it and its path, free of secrets."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote

from perfectcv_traffic.capture.exchange import Exchange
from perfectcv_traffic.redaction import Redactor
from perfectcv_traffic.secrecy.names import REDACTED
from perfectcv_traffic.secrecy.paths import secret_places, without_parameters

_HOST = re.compile(r"[\w.:\[\]%-]{1,255}\Z")
_ORDINARY = re.compile(r"[\w/.,~+-]*\Z", re.ASCII)
"""A path that names and separates nothing else."""
_PATH_SAFE = "/:@!$&'()*+,;=~-._%"


class ShownUrl(NamedTuple):
    """A request's URL and the path in it, redacted."""

    url: str
    path: str


def shown_url(exchange: Exchange, host: str, shown_query: str, redactor: Redactor) -> ShownUrl:
    """The URL and path of a request whose Host header is `host`, "" if it has none."""
    path, raw = exchange.path, raw_path(exchange)
    template = exchange.route or exchange.resembled
    if template is None:
        path, raw = _without_values(path, raw, exchange, redactor)
    elif "{" in template and secret_places(template, redactor.is_secret):
        skip = exchange.root_path.rstrip("/").count("/")
        under = skip if path.startswith(exchange.root_path) else 0
        path = without_parameters(path, template, redactor.is_secret, under)
        raw = without_parameters(raw, template, redactor.is_secret, skip)
    authority = host if host and _HOST.match(host) else _server(exchange)
    url = f"{exchange.scheme}://{authority}{raw}"
    is_ordinary = _ORDINARY.match(raw) and redactor.is_plain(url)
    if not is_ordinary:
        url = redactor.url(url)
    if not ((is_ordinary and path == raw) or (_ORDINARY.match(path) and redactor.is_plain(path))):
        path = redactor.path(path)
    return ShownUrl(f"{url}?{shown_query}" if shown_query else url, path)


def _without_values(path: str, raw: str, exchange: Exchange, redactor: Redactor) -> tuple[str, str]:
    """Both without parameters that some routing told, though not where in the path they are."""
    for name, value in exchange.path_params.items():
        if value and redactor.is_secret(name):
            path = path.replace(value, REDACTED)
            raw = raw.replace(quote(value), REDACTED).replace(value, REDACTED)
    return path, raw


def raw_path(exchange: Exchange) -> str:
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
