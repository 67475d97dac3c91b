"""A credential that a route asks for."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Declared(NamedTuple):
    """A security scheme that a route depends on, in OpenAPI's words."""

    location: Literal["header", "query", "cookie"]
    name: str
    """Name of the header, query parameter or cookie; lower-case for a header."""
    scheme: str
    """bearer, basic, digest or api_key."""
