"""A valid request before ids and credentials are filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from perfectcv_traffic.generate.openapi import Document, Json, Location
from perfectcv_traffic.generate.operations import Operation
from perfectcv_traffic.generate.values import make_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Values for an operation's parameters, by place and name, and for its body."""

    operation: Operation
    values: Mapping[Location, Mapping[str, Json]]
    body: Json = None
    has_body: bool = False
    """Whether a body is sent; `body` may well be `None`: the JSON null."""


def make_draft(
    document: Document, operation: Operation, rng: Random, *, optional: bool = False
) -> Draft:
    """A valid request; `optional` fills in optional parameters and properties too."""
    body = operation.body
    has_body = body is not None and (body.required or optional)
    return Draft(
        operation=operation,
        values={
            location: {
                parameter.name: make_value(document, parameter.schema, rng, optional=optional)
                for parameter in operation.parameters_in(location)
                if parameter.required or optional
            }
            for location in Location
        },
        body=make_value(document, body.schema, rng, optional=optional)
        if body is not None and has_body
        else None,
        has_body=has_body,
    )
