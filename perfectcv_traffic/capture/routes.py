"""What the matched route declares: its full template, and the credentials it asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from starlette.routing import Host, Mount

from perfectcv_traffic.capture.exchange import Declared, Exchange
from perfectcv_traffic.capture.resembled import Resembled, flat

MAX_REMEMBERED = 10_000


class Known(NamedTuple):
    """What a route declares by itself."""

    route: Any
    """Keeps the route's id in use: some kinds of route cannot be hashed."""
    template: str | None
    """Its own part of the path; None for what leads to other routes."""
    declared: tuple[Declared, ...] | None


class RouteTable:
    """The routes of an application, read when a request is over, never before.

    `app` may be any ASGI application: without routes only what the scope tells is known.
    """

    def __init__(self, app: Any = None) -> None:
        self._app = app
        self._known: dict[int, Known] = {}
        self._resembled = Resembled(app)
        self._is_told = False

    def settle(self, exchange: Exchange, scope: Mapping[str, Any]) -> None:
        """Note what routing left in the scope: the route, its parameters, what it asks for."""
        known = self._read(_matched_route(scope))
        exchange.declared = known.declared
        values = scope.get("path_params")
        if values:
            exchange.path_params = {name: str(value) for name, value in values.items()}
        if known.template and scope.get("root_path", "") == exchange.root_path:
            exchange.route = known.template
        else:
            exchange.route = self._template(exchange, scope, known.template)
            if exchange.route is None:
                exchange.resembled = self._resembled.find(exchange)
        if not self._is_told:
            self._is_told = True
            self._resembled.tell(exchange)

    def _read(self, route: Any) -> Known:
        known = self._known.get(id(route))
        if known is None:
            dependant = getattr(route, "dependant", None)
            own = getattr(route, "path_format", None) or getattr(route, "path", None)
            known = Known(
                route,
                None if isinstance(route, Mount | Host) else own,
                None if dependant is None else tuple(_declared(dependant)),
            )
            if len(self._known) < MAX_REMEMBERED:
                self._known[id(route)] = known
        return known

    def _template(
        self, exchange: Exchange, scope: Mapping[str, Any], own: str | None
    ) -> str | None:
        """The route template with every prefix, from the application's root; None if none matched.

        Where routing left no route in the scope (plain Starlette before 1.0, a middleware that
        copied the scope or answered itself) the path is matched again.
        """
        path = exchange.path.removeprefix(exchange.root_path)
        routes = getattr(self._app, "routes", ())
        if not own:
            preflight = exchange.method == "OPTIONS" and "endpoint" not in scope
            return None if preflight else _search(routes, path, exchange.method)
        mounted = scope.get("root_path", "").removeprefix(exchange.root_path)
        prefix = _mount_prefix(routes, path, mounted)
        return (prefix or _with_parameters(mounted, exchange.path_params, own)) + own


def _matched_route(scope: Mapping[str, Any]) -> Any:
    """The route in the scope, with its whole template.

    FastAPI that includes routers without flattening them keeps that in a context beside the route,
    which knows only its own part of the path.
    """
    route = scope.get("route")
    context = (scope.get("fastapi") or {}).get("effective_route_context")
    if context is not None and getattr(context, "original_route", None) is route:
        return context
    return route


def _search(routes: Iterable[Any], path: str, method: str) -> str | None:
    """The template of the first route that matches, as Starlette's router looks for it."""
    partial = None
    for route in flat(routes):
        if isinstance(route, Mount):
            found = _in_mount(route, path, method)
        elif isinstance(route, Host):
            found = _search(route.routes, path, method)
        elif _matches(route, path):
            if method in (getattr(route, "methods", None) or (method,)):
                return str(route.path_format)
            partial = partial or str(route.path_format)
            continue
        else:
            continue
        if found is not None:
            return found
    return partial


def _in_mount(mount: Mount, path: str, method: str) -> str | None:
    match = mount.path_regex.match(path)
    if match is None:
        return None
    if not mount.routes:  # files, WSGI: what is behind the mount is one endpoint
        return mount.path_format
    inner = _search(mount.routes, "/" + match["path"], method)
    return None if inner is None else mount.path + inner


def _mount_prefix(routes: Iterable[Any], path: str, mounted: str) -> str | None:
    """The templates of the mounts that lead to the root path `mounted`; None if none do."""
    for route in flat(routes):
        match = route.path_regex.match(path) if isinstance(route, Mount) else None
        if match is None:
            continue
        rest = "/" + match["path"]
        own = path.removesuffix(rest)
        if own == mounted:
            return str(route.path)
        if mounted.startswith(own + "/"):
            inner = _mount_prefix(route.routes, rest, mounted.removeprefix(own))
            if inner is not None:
                return str(route.path) + inner
    return None


def _matches(route: Any, path: str) -> bool:
    regex = getattr(route, "path_regex", None)
    return regex is not None and regex.match(path) is not None


def _with_parameters(mounted: str, values: Mapping[str, Any], own: str) -> str:
    # A mount's root path holds the values of its parameters: /t/acme for /t/{tenant}.
    names = {str(value): name for name, value in values.items() if f"{{{name}}}" not in own}
    steps = (f"{{{names[step]}}}" if step in names else step for step in mounted.split("/"))
    return "/".join(steps)


def _declared(dependant: Any) -> Iterator[Declared]:
    model: Any = getattr(getattr(dependant, "call", None), "model", None)
    kind = getattr(getattr(model, "type_", None), "value", None)
    if kind == "apiKey":
        location = getattr(model.in_, "value", model.in_)
        yield Declared(
            location, model.name.lower() if location == "header" else model.name, "api_key"
        )
    elif kind == "http":
        yield Declared("header", "authorization", str(model.scheme).lower())
    elif kind in ("oauth2", "openIdConnect"):
        yield Declared("header", "authorization", "bearer")
    for inner in getattr(dependant, "dependencies", ()):
        yield from _declared(inner)
