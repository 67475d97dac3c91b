"""Secrets of paths in headers that hold URLs: `Location`, `Referer`, `Link`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

from perfectcv_traffic.capture.exchange import Exchange
from perfectcv_traffic.capture.request_url import raw_path
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.redaction import ADDRESSED
from perfectcv_traffic.secrecy.names import REDACTED, IsSecret
from perfectcv_traffic.secrecy.paths import Templates, secret_places, without_parameters

_URL = re.compile(r"((?:[A-Za-z][\w+.-]*+:)?+(?://[^/?#]*+)?+)([^?#]*+)(.*+)", re.DOTALL)
"""Origin, path, and what follows; it matches anything."""
_INSIDE = {
    "link": re.compile(r"(?<=<)[^<>]++"),
    "refresh": re.compile(r"""(?<=[=\s,;"'])(?:/|[A-Za-z][\w+.-]*+:)[^\s"']*+"""),
}
"""Where URLs stand in headers that hold more than one: `</a>; rel=next`, `5; url=/a`."""


class UrlHeaders:
    """Blanks steps of the path asked for that are not in the one shown, and what other routes hide.

    A redirect to `/reset/{token}/` repeats the token; a page sends its own path with all that it
    loads. Routes are known by their templates.
    """

    def __init__(self, is_secret: IsSecret, templates: Iterable[str] = ()) -> None:
        self._is_secret = is_secret
        self._learn(templates)

    def hide(self, record: TrafficLog, exchange: Exchange) -> None:
        """Blank what has to be in the headers of a record whose path is redacted already."""
        if exchange.templates:
            self._learn(exchange.templates)
        is_blank = REDACTED in record.path
        if self._templates or is_blank:
            hidden = _hidden(exchange, record.path) if is_blank else set()
            root = exchange.root_path
            record.request_headers = self._without(record.request_headers, hidden, root)
            record.response_headers = self._without(record.response_headers, hidden, root)

    def _learn(self, templates: Iterable[str]) -> None:
        self._templates = Templates(t for t in templates if secret_places(t, self._is_secret))

    def _without(
        self, headers: dict[str, str] | None, hidden: set[str], root: str
    ) -> dict[str, str] | None:
        found = [name for name in ADDRESSED if headers and name in headers]
        if not headers or not found:
            return headers
        return {
            **headers,
            **{name: self._urls(name, headers[name], hidden, root) for name in found},
        }

    def _urls(self, name: str, value: str, hidden: set[str], root: str) -> str:
        inside = _INSIDE.get(name)
        if inside is None:
            return self._url(value, hidden, root)
        return inside.sub(lambda url: self._url(url[0], hidden, root), value)

    def _url(self, url: str, hidden: set[str], root: str) -> str:
        parts = _URL.match(url)
        if parts is None:
            return REDACTED
        origin, path, query = parts.groups()
        root = root if path.startswith(root) else ""
        own = path.removeprefix(root)
        template = self._templates.find(own)
        if template is not None:
            own = without_parameters(own, template, self._is_secret)
        steps = (REDACTED if unquote(step) in hidden else step for step in own.split("/"))
        return f"{origin}{root}{'/'.join(steps)}{query}"


def _hidden(exchange: Exchange, shown: str) -> set[str]:
    asked = {*exchange.path.split("/"), *map(unquote, raw_path(exchange).split("/"))}
    return asked - {*shown.split("/"), ""}
