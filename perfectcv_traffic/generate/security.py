"""Security schemes of a document, and what an operation requires of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from perfectcv_traffic.generate.openapi import (
    Document,
    DocumentError,
    Json,
    Location,
    Schema,
    quoted,
)

HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What a header may be called (RFC 9110, 5.6.2)."""


class SchemeKind(StrEnum):
    """How the secret of a security scheme is presented."""

    BEARER = "bearer"
    BASIC = "basic"
    API_KEY = "api_key"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityScheme:
    """One declared security scheme; `field` is the header, query parameter or cookie it uses."""

    name: str
    kind: SchemeKind
    location: Location = Location.HEADER
    field: str = "Authorization"
    token_url: str | None = None
    flaw: str = ""
    """Why its declaration cannot be used: then neither can the operations that require it."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """A scheme that must be satisfied, with the scopes it asks for."""

    scheme: SecurityScheme
    scopes: tuple[str, ...] = ()


def parse_schemes(document: Document) -> dict[str, SecurityScheme]:
    """The declared security schemes by name."""
    components = document.resolve(document.root.get("components", {}))
    declared = document.resolve(components.get("securitySchemes", {}))
    return {name: _whole_or_flawed(document, name, declared[name]) for name in declared}


def _whole_or_flawed(document: Document, name: str, declared: Json) -> SecurityScheme:
    try:
        return _scheme(document, name, declared)
    except DocumentError as error:
        return SecurityScheme(name=name, kind=SchemeKind.OTHER, flaw=error.flaw)


def parse_security(
    document: Document, declared: Json, schemes: Mapping[str, SecurityScheme]
) -> tuple[tuple[Requirement, ...], ...]:
    """The alternatives that a `security` list declares, in its order.

    Raises `DocumentError` if each of them needs a scheme whose declaration cannot be used.
    """
    options = _options(document, declared, schemes)
    usable = tuple(one for one in options if not any(need.scheme.flaw for need in one))
    if options and not usable:
        flaw = next(need.scheme.flaw for need in options[0] if need.scheme.flaw)
        raise document.broken(flaw)
    return usable


def _options(
    document: Document, declared: Json, schemes: Mapping[str, SecurityScheme]
) -> tuple[tuple[Requirement, ...], ...]:
    return tuple(
        tuple(
            Requirement(
                schemes.get(name) or SecurityScheme(name=name, kind=SchemeKind.OTHER),
                tuple(str(scope) for scope in document.items(scopes)),
            )
            for name, scopes in document.resolve(option).items()
        )
        for option in document.items(declared)
    )


def _scheme(document: Document, name: str, declared: Json) -> SecurityScheme:
    node = document.resolve(declared)
    kind = _scheme_kind(node)
    if kind is not SchemeKind.API_KEY:
        return SecurityScheme(name=name, kind=kind, token_url=_token_url(document, node))
    place, key = node.get("in"), node.get("name")
    is_named = isinstance(key, str) and key and (place != "header" or HEADER_NAME.fullmatch(key))
    if place not in ("query", "header", "cookie") or not is_named:
        raise document.broken(f"security scheme {quoted(name)} says not where its key goes")
    return SecurityScheme(name=name, kind=kind, location=Location(place), field=str(key))


def _scheme_kind(node: Schema) -> SchemeKind:
    declared, scheme = node.get("type"), str(node.get("scheme", "")).lower()
    if declared in ("oauth2", "openIdConnect") or (declared, scheme) == ("http", "bearer"):
        return SchemeKind.BEARER
    if (declared, scheme) == ("http", "basic"):
        return SchemeKind.BASIC
    return SchemeKind.API_KEY if declared == "apiKey" else SchemeKind.OTHER


def _token_url(document: Document, node: Schema) -> str | None:
    flows = document.resolve(node.get("flows", {}))
    address = document.resolve(flows.get("password", {})).get("tokenUrl")
    return address if isinstance(address, str) and address else None
