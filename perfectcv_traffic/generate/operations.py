"""The operations of a document: parameters, bodies and security, parsed once into plain data."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from perfectcv_traffic.generate.openapi import (
    Document,
    DocumentError,
    Json,
    Location,
    Schema,
    quoted,
)
from perfectcv_traffic.generate.security import (
    HEADER_NAME,
    Requirement,
    SecurityScheme,
    parse_schemes,
    parse_security,
)

METHODS: Final = ("GET", "HEAD", "OPTIONS", "TRACE", "POST", "PUT", "PATCH", "DELETE")

PATH_PARAMETER: Final = re.compile(r"\{([^{}/]+)\}")

JSON_MEDIA_TYPE = "application/json"
FORM_MEDIA_TYPE = "application/x-www-form-urlencoded"
MULTIPART_MEDIA_TYPE = "multipart/form-data"
_ANY_MEDIA_TYPES: Final = ("application/*", "*/*")
_PREFERRED_MEDIA_TYPES: Final = (JSON_MEDIA_TYPE, FORM_MEDIA_TYPE, MULTIPART_MEDIA_TYPE)

# What the client itself writes; OpenAPI has Accept, Content-Type and Authorization ignored too.
_RESERVED_HEADERS: Final = frozenset(
    {"accept", "accept-encoding", "authorization", "connection", "content-length", "content-type"}
    | {"cookie", "expect", "host", "te", "trailer", "transfer-encoding", "upgrade", "user-agent"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter; the author's example, if any, stands in its schema."""

    name: str
    location: Location
    required: bool
    schema: Schema
    style: str
    explode: bool
    is_json: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A request body in the one media type that is sent."""

    media_type: str
    schema: Schema
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method on one path template."""

    method: str
    path: str
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    security: tuple[tuple[Requirement, ...], ...] = ()
    """Alternatives, each a set of requirements; an empty one means that none is needed."""
    responses: Mapping[str, Schema] = field(default_factory=dict)
    """The schema of each JSON answer, by status as the document writes it: `200`, `4XX`."""
    tags: tuple[str, ...] = ()
    servers: Json = None
    """What the document says of its own servers, other than those of all operations."""

    @property
    def key(self) -> str:
        """The operation as people write it: `GET /items/{id}`."""
        return f"{self.method} {self.path}"

    @property
    def is_secured(self) -> bool:
        """Whether a request without any credential must be refused."""
        return bool(self.security) and all(self.security)

    @property
    def schemes(self) -> tuple[SecurityScheme, ...]:
        """Every scheme that any alternative names, once, in document order."""
        named = (requirement.scheme for option in self.security for requirement in option)
        return tuple(dict.fromkeys(named))

    def parameters_in(self, location: Location) -> tuple[Parameter, ...]:
        """The parameters that travel in one place."""
        return tuple(one for one in self.parameters if one.location is location)


ANY_METHOD = "*"
"""Method of what is left out where the document does not tell its methods."""
EXTENSION = "x-"
"""Begins the names of a document that are somebody's own and no paths (OpenAPI 3.1, 4.9)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """An operation, or one scenario of it, that is not sent, and why."""

    method: str
    path: str
    scenario: str | None = None
    reason: str
    is_broken: bool = False
    """The document is at fault, not what was asked for."""


def parse_operations(document: Document) -> tuple[tuple[Operation, ...], tuple[LeftOut, ...]]:
    """The operations by path and method, and those that cannot be used."""
    operations: list[Operation] = []
    declared, broken = _declared(document)
    schemes = parse_schemes(document)
    for path, method, item in sorted(declared, key=_path_then_method):
        try:
            operations.append(_operation(document, path, method, item, schemes))
        except DocumentError as error:
            broken.append(LeftOut(method=method, path=path, reason=error.flaw, is_broken=True))
    return tuple(operations), tuple(broken)


def _declared(document: Document) -> tuple[list[tuple[str, str, Schema]], list[LeftOut]]:
    """Path, method and path item of each operation, and the paths whose item cannot be read."""
    declared: list[tuple[str, str, Schema]] = []
    broken: list[LeftOut] = []
    for path, item in document.root.get("paths", {}).items():
        if path.startswith(EXTENSION):
            continue
        try:
            resolved = document.resolve(item)
        except DocumentError as error:
            left = LeftOut(method=ANY_METHOD, path=path, reason=error.flaw, is_broken=True)
            broken.append(left)
        else:
            declared += ((path, name, resolved) for name in METHODS if name.lower() in resolved)
    return declared, broken


def _path_then_method(declared: tuple[str, str, Schema]) -> tuple[str, int]:
    path, method, _ = declared
    return path, METHODS.index(method)


def _operation(
    document: Document,
    path: str,
    method: str,
    item: Schema,
    schemes: Mapping[str, SecurityScheme],
) -> Operation:
    if not path.startswith("/") or not path.isprintable():
        raise document.broken(f"path {quoted(path)} must begin with / and be printable")
    declared = document.resolve(item[method.lower()])
    security = declared.get("security", document.root.get("security"))
    operation = Operation(
        method=method,
        path=path,
        parameters=_parameters(document, path, item, declared),
        body=_body(document, declared["requestBody"]) if "requestBody" in declared else None,
        security=parse_security(document, security, schemes),
        responses=_responses(document, declared),
        tags=_tags(declared),
        servers=declared.get("servers", item.get("servers")),
    )
    return _without_credential_parameters(operation, schemes.values())


def _without_credential_parameters(
    operation: Operation, schemes: Iterable[SecurityScheme]
) -> Operation:
    """Leave API keys to their schemes: as made-up parameters they would travel with `no_token`."""
    declared = schemes if operation.schemes else ()
    taken = {(scheme.location, scheme.field.lower()) for scheme in declared}
    kept = (one for one in operation.parameters if (one.location, one.name.lower()) not in taken)
    return replace(operation, parameters=tuple(kept))


def _parameters(
    document: Document, path: str, item: Schema, declared: Schema
) -> tuple[Parameter, ...]:
    found: dict[tuple[str, Location], Parameter] = {}
    for level in (item, declared):
        for node in document.items(level.get("parameters")):
            parameter = _parameter(document, document.resolve(node))
            found[parameter.name, parameter.location] = parameter
    for name in PATH_PARAMETER.findall(path):
        found.setdefault((name, Location.PATH), _undeclared_path_parameter(name))
    return tuple(one for one in found.values() if _is_sendable(one, path))


def _is_sendable(parameter: Parameter, path: str) -> bool:
    if parameter.location is Location.PATH:
        return f"{{{parameter.name}}}" in path
    if parameter.location is not Location.HEADER:
        return True
    is_name = HEADER_NAME.fullmatch(parameter.name) is not None
    return is_name and parameter.name.lower() not in _RESERVED_HEADERS


def _parameter(document: Document, node: Schema) -> Parameter:
    name, place = node.get("name"), node.get("in")
    if not isinstance(name, str) or not name or place not in tuple(Location):
        raise document.broken(f"parameter {quoted(name)} in {quoted(place)} cannot be sent")
    location = Location(place)
    is_form = location in (Location.QUERY, Location.COOKIE)
    style = str(node.get("style", "form" if is_form else "simple"))
    media_type, media = _preferred_media(document, node.get("content", {}))
    return Parameter(
        name=name,
        location=location,
        required=location is Location.PATH or node.get("required") is True,
        schema=_with_example(document, media if media_type else node),
        style=style,
        explode=bool(node.get("explode", style == "form")),
        is_json=media_type is not None,
    )


def _undeclared_path_parameter(name: str) -> Parameter:
    return Parameter(
        name=name,
        location=Location.PATH,
        required=True,
        schema={"type": "string"},
        style="simple",
        explode=False,
        is_json=False,
    )


def _body(document: Document, node: Json) -> Body | None:
    declared = document.resolve(node)
    media_type, media = _preferred_media(document, declared.get("content", {}))
    if media_type is None:
        return None
    return Body(
        media_type=JSON_MEDIA_TYPE if media_type in _ANY_MEDIA_TYPES else media_type,
        schema=_with_example(document, media),
        required=declared.get("required") is True,
    )


def _responses(document: Document, declared: Schema) -> dict[str, Schema]:
    found: dict[str, Schema] = {}
    responses = declared.get("responses")
    for status, node in responses.items() if isinstance(responses, dict) else ():
        # What cannot be read says nothing of its answer; the request can be sent all the same.
        with contextlib.suppress(DocumentError):
            content = document.resolve(document.resolve(node).get("content", {}))
            names = [JSON_MEDIA_TYPE, *filter(is_json, content)]
            name = next((one for one in names if one in content), None)
            media = document.resolve(content[name]) if name is not None else {}
            if isinstance(media.get("schema"), dict):
                found[str(status).upper()] = media["schema"]
    return found


def is_json(media_type: str) -> bool:
    """Whether a null can be said in it; elsewhere `null` is a text like any other."""
    bare = media_type.partition(";")[0].strip().lower()
    return bare == JSON_MEDIA_TYPE or bare.endswith("+json") or bare in _ANY_MEDIA_TYPES


def _tags(declared: Schema) -> tuple[str, ...]:
    tags = declared.get("tags")
    return tuple(map(str, tags)) if isinstance(tags, list) else ()


def _preferred_media(document: Document, content: Json) -> tuple[str | None, Schema]:
    offered = document.resolve(content)
    names = [name for name in (*_PREFERRED_MEDIA_TYPES, *offered) if name in offered]
    return (names[0], document.resolve(offered[names[0]])) if names else (None, {})


def _with_example(document: Document, holder: Schema) -> Schema:
    """The schema of a parameter or media type, with the example that stands beside it."""
    schema = holder.get("schema", {})
    schema = schema if isinstance(schema, dict) else document.resolve(schema)
    if "example" in holder:
        return {**schema, "example": holder["example"]}
    named = holder.get("examples")
    for example in named.values() if isinstance(named, dict) else ():
        resolved = document.resolve(example)
        if "value" in resolved:
            return {**schema, "example": resolved["value"]}
    return schema
