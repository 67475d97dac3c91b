"""Which route a path is like that none matched: what a preflight, a slash too many or a misspelt
case asks for holds the same secrets in the same places.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from starlette.routing import Host, Mount

from perfectcv_traffic.capture.exchange import Exchange
from perfectcv_traffic.secrecy.paths import Templates


class Resembled:
    """The templates with parameters of an application, read once and when there are more routes."""

    def __init__(self, app: Any = None) -> None:
        self._app = app
        self._read_of = -1
        """How many routes there were when they were read."""
        self._templates = Templates()

    def find(self, exchange: Exchange) -> str | None:
        """The template of the first route whose paths are like the one asked for."""
        self.tell(exchange)
        raw = exchange.raw_path
        path = raw.decode("latin-1").partition("?")[0] if raw else exchange.path
        return self._templates.find(path.removeprefix(exchange.root_path))

    def tell(self, exchange: Exchange) -> None:
        """Send the templates along with an exchange if they were not read yet."""
        routes = list(getattr(self._app, "routes", ()))
        if len(routes) != self._read_of:
            self._read_of = len(routes)
            exchange.templates = tuple(t for t in _templates(routes, "") if "{" in t)
            self._templates = Templates(exchange.templates)


def _templates(routes: Iterable[Any], prefix: str) -> Iterator[str]:
    for route in flat(routes):
        if isinstance(route, Mount | Host):
            inner = prefix + route.path if isinstance(route, Mount) else prefix
            yield from _templates(route.routes, inner)
        elif (own := getattr(route, "path_format", None)) is not None:
            yield f"{prefix}{own}"


def flat(routes: Iterable[Any]) -> Iterator[Any]:
    """Routes with those of included routers in their place (FastAPI that does not flatten them)."""
    for route in routes:
        contexts = getattr(route, "effective_route_contexts", None)
        if contexts is None:
            yield route
        else:
            yield from contexts()
