"""A valid request before ids and credentials are filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from perfectcv_traffic.generate.openapi import Document, Json, Location, Schema
from perfectcv_traffic.generate.operations import Operation
from perfectcv_traffic.generate.ranges import in_order
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
    document: Document,
    operation: Operation,
    rng: Random,
    *,
    optional: bool = False,
    texts: Random | None = None,
) -> Draft:
    """A valid request; `optional` fills in optional parameters and properties too, `texts` is
    where made-up texts come from if not from `rng`."""

    def made(schema: Schema) -> Json:
        return make_value(document, schema, rng, optional=optional, texts=texts)

    body = operation.body
    has_body = body is not None and (body.required or optional)
    return Draft(
        operation=operation,
        values={
            location: in_order(
                {
                    parameter.name: made(parameter.schema)
                    for parameter in operation.parameters_in(location)
                    if parameter.required or optional
                }
            )
            for location in Location
        },
        body=made(body.schema) if body is not None and has_body else None,
        has_body=has_body,
    )
