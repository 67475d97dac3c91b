"""What the matched route declares: its full template, and the credentials it asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from perfectcv_traffic.capture.exchange import Exchange


class Declared(NamedTuple):
    """A security scheme that a route depends on, in OpenAPI's words."""

    location: Literal["header", "query", "cookie"]
    name: str
    """Name of the header, query parameter or cookie; lower-case for a header."""
    scheme: str
    """bearer, basic, digest or api_key."""


def template(exchange: Exchange) -> str | None:
    """The route template with every prefix, from the application's root; None if none matched."""
    route = exchange.route
    own: str | None = getattr(route, "path_format", None) or getattr(route, "path", None)
    if own is None:
        # Plain Starlette routes leave only their endpoint; without parameters the path is theirs.
        literal = exchange.matched and not exchange.path_params
        unmounted = exchange.route_root_path == exchange.root_path
        return exchange.path.removeprefix(exchange.root_path) if literal and unmounted else None
    mounted = exchange.route_root_path.removeprefix(exchange.root_path)
    return _with_parameters(mounted, exchange.path_params, own) + own


def _with_parameters(mounted: str, values: dict[str, Any], own: str) -> str:
    # A mount's root path holds the values of its parameters: /t/acme for /t/{tenant}.
    names = {str(value): name for name, value in values.items() if f"{{{name}}}" not in own}
    steps = (f"{{{names[step]}}}" if step in names else step for step in mounted.split("/"))
    return "/".join(steps)


def security(route: Any) -> tuple[Declared, ...] | None:
    """The security schemes among the route's dependencies; None when the route cannot tell."""
    dependant = getattr(route, "dependant", None)
    return None if dependant is None else tuple(_declared(dependant))


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
