"""An OpenAPI document: read from bytes, its `$ref`s followed.

The document comes from the API under test and is not trusted: reading it is bounded, and whatever
is wrong with it becomes a `DocumentError` that names the document and the place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias
from urllib.parse import unquote

import msgspec

from perfectcv_traffic.errors import ExitCode, TargetError

Json: TypeAlias = Any
"""A decoded JSON value: the one place where types end."""
Schema: TypeAlias = Mapping[str, Json]

MAX_REFERENCE_HOPS = 32
MAX_QUOTED_CHARACTERS = 80
MAX_INDEX_DIGITS = 9
MAX_SHOWN_CHARACTERS = 40

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class DocumentError(TargetError):
    """A document cannot be used; `flaw` says why, without its name.

    One that was fetched is the target's; one from a file is a file that cannot be used.
    """

    def __init__(self, message: str, *, source: str, flaw: str) -> None:
        super().__init__(message)
        self.flaw = flaw
        if not is_address(source):
            self.exit_code = ExitCode.STORAGE


def is_address(source: str) -> bool:
    """Whether a document is fetched, else it is a file."""
    return source.startswith(("http://", "https://"))


class Location(StrEnum):
    """Where a parameter or an API key travels: the `in` of the document."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    COOKIE = "cookie"


@dataclass(frozen=True, slots=True)
class Document:
    """An OpenAPI 3 document and where it came from."""

    source: str
    root: Mapping[str, Json] = field(repr=False)

    def resolve(self, node: Json) -> Schema:
        """`node` with its `$ref` followed; what stands beside a `$ref` wins over its target."""
        beside: dict[str, Json] = {}
        for _ in range(MAX_REFERENCE_HOPS):
            if isinstance(node, bool):
                return beside
            if not isinstance(node, dict):
                raise self.broken(f"an object is expected where {quoted(node)} stands")
            if "$ref" not in node:
                return {**node, **beside} if beside else node
            beside = {key: node[key] for key in node if key != "$ref"} | beside
            node = self.look_up(node["$ref"])
        raise self.broken("a chain of $ref never ends")

    def look_up(self, reference: Json) -> Json:
        """What a local reference such as `#/components/schemas/Pet` points to."""
        if not isinstance(reference, str) or not reference.startswith("#/"):
            raise self.broken(f"$ref {quoted(reference)} does not point into the document")
        node: Json = self.root
        for raw_step in reference[2:].split("/"):
            step = unquote(raw_step).replace("~1", "/").replace("~0", "~")
            node = _child(node, step)
            if node is None:
                raise self.broken(f"$ref {quoted(reference)} points to nothing")
        return node

    def items(self, node: Json) -> list[Json]:
        """`node` as a list; an absent one is empty."""
        if node is None:
            return []
        if not isinstance(node, list):
            raise self.broken(f"a list is expected where {quoted(node)} stands")
        return node

    def broken(self, what: str) -> DocumentError:
        """The error to raise for a document that cannot be used."""
        message = f"{self.source}: {what}: correct the OpenAPI document"
        return DocumentError(message, source=self.source, flaw=what)


def parse_document(content: bytes, source: str) -> Document:
    """The OpenAPI 3 document in `content`; `DocumentError` tells what was found instead."""
    root = _decode(content, source)
    if not isinstance(root, dict):
        raise _unusable(source, f"holds JSON but no object: {quoted(root)}")
    if "swagger" in root:
        raise _unusable(source, f"is Swagger {quoted(root['swagger'])}, not OpenAPI 3")
    version = root.get("openapi")
    if not isinstance(version, str) or not version.startswith("3."):
        found = "no `openapi` version" if version is None else f"version {quoted(version)}"
        raise _unusable(source, f"is not an OpenAPI 3 document: it has {found}")
    if not isinstance(root.get("paths", {}), dict):
        raise _unusable(source, f"has paths that are no object: {quoted(root['paths'])}")
    return Document(source, root)


def quoted(value: Json) -> str:
    """A value of an untrusted document, fit for one line of an error message."""
    text = ascii(value)
    if len(text) <= MAX_QUOTED_CHARACTERS:
        return text
    return text[:MAX_QUOTED_CHARACTERS] + "..."


def _decode(content: bytes, source: str) -> Json:
    try:
        return msgspec.json.decode(content.removeprefix(_BYTE_ORDER_MARK))
    except RecursionError as error:
        raise _unusable(source, "is nested too deeply to be read") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unusable(source, f"is not JSON: {_why_not_json(content)}") from error


def _why_not_json(content: bytes) -> str:
    """Where the text stops being JSON, or how it starts when it never was."""
    text = content.decode("utf-8-sig", "replace")
    if text.lstrip()[:1] in ("{", "["):
        try:
            json.loads(text)  # its errors tell the place, which msgspec's do not
        except json.JSONDecodeError as error:
            found = text[error.pos : error.pos + MAX_SHOWN_CHARACTERS]
            what = quoted(found) if found else "the text ends there"
            expected = error.msg[:1].lower() + error.msg[1:]
            return f"line {error.lineno}, column {error.colno}: {expected}: {what}"
        except RecursionError:
            pass
    return f"it starts with {quoted(text[:MAX_SHOWN_CHARACTERS])}"


def _unusable(source: str, what: str) -> DocumentError:
    advice = "give the file or address of an OpenAPI 3 JSON document"
    return DocumentError(f"{source} {what}: {advice}", source=source, flaw=what)


def _child(node: Json, step: str) -> Json | None:
    if isinstance(node, dict):
        return node.get(step)
    if not isinstance(node, list) or not step.isdecimal() or len(step) > MAX_INDEX_DIGITS:
        return None
    return node[int(step)] if int(step) < len(node) else None
