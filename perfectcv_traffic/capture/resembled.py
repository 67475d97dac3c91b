"""Which route a path is like that none matched: what a preflight, a slash too many or a misspelt
case asks for holds the same secrets in the same places.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote

from starlette.routing import Host, Mount

from perfectcv_traffic.capture.exchange import Exchange

_Steps = tuple[str | None, ...]
"""A template's steps, without case; None for one with a parameter."""


class Resembled:
    """The templates with parameters of an application, by their number of steps."""

    def __init__(self, app: Any = None) -> None:
        self._app = app
        self._read_of = -1
        """How many routes there were when they were read."""
        self._templates: dict[int, list[tuple[_Steps, str]]] = {}

    def find(self, exchange: Exchange) -> str | None:
        """The template of the first route whose paths are like the one asked for."""
        routes = list(getattr(self._app, "routes", ()))
        if len(routes) != self._read_of:
            self._read(routes)
        raw = exchange.raw_path
        path = raw.decode("latin-1").partition("?")[0] if raw else exchange.path
        asked = [unquote(step) for step in _steps(path.removeprefix(exchange.root_path))]
        for steps, template in self._templates.get(len(asked), ()):
            if all(own is None or own == step for own, step in zip(steps, asked, strict=True)):
                return template
        return None

    def _read(self, routes: list[Any]) -> None:
        self._read_of = len(routes)
        self._templates = {}
        for template in _templates(routes, ""):
            if "{" in template:
                steps = tuple(None if "{" in step else step for step in _steps(template))
                self._templates.setdefault(len(steps), []).append((steps, template))


def _steps(path: str) -> list[str]:
    return path.casefold().strip("/").split("/")


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
