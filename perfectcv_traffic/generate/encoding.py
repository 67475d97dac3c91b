"""A draft as the request that goes out: URL, headers, content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from perfectcv_traffic.generate.credential_variants import Presented
from perfectcv_traffic.generate.draft import Draft
from perfectcv_traffic.generate.openapi import Json, Location
from perfectcv_traffic.generate.operations import (
    FORM_MEDIA_TYPE,
    MULTIPART_MEDIA_TYPE,
    PATH_PARAMETER,
    Body,
    Parameter,
)

MULTIPART_BOUNDARY = "perfectcv-traffic-boundary-1f0e5a"

PATH_SAFE: Final = "/%:@!$&'()*+,;=~"
"""What stays readable in the fixed parts of a path: sub-delims, `:` and `@` of RFC 3986."""
_HEADER_SAFE: Final = " !\"#$%&'()*+,/:;<=>?@[\\]^`{|}~"
_DELIMITERS: Final = {"spaceDelimited": " ", "pipeDelimited": "|"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """A request ready to send; all but method and path may hold secrets and is in no `repr`."""

    method: str
    path: str
    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    content: bytes | None = field(repr=False, default=None)


def encode(
    draft: Draft,
    *,
    base: str,
    ids: Mapping[str, str],
    presented: Presented,
    marks: Mapping[str, str],
) -> WireRequest:
    """The request below `base`; `ids` go before the draft's own path values."""
    path = _path(draft, ids)
    query = urlencode([*_pairs(draft, Location.QUERY), *presented.query.items()])
    body = draft.operation.body if draft.has_body else None
    content_type = {} if body is None else {"Content-Type": _content_type(body)}
    return WireRequest(
        method=draft.operation.method,
        path=path,
        url=f"{base}{path}?{query}" if query else base + path,
        headers=_headers(draft, {**content_type, **presented.headers, **marks})
        | _cookies(draft, presented),
        content=None if body is None else _content(body, draft.body),
    )


def text_of(value: Json) -> str:
    """A value as text in a URL, a header or a form: null becomes `null`."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return msgspec.json.encode(value).decode()


def _path(draft: Draft, ids: Mapping[str, str]) -> str:
    values, template = draft.values[Location.PATH], draft.operation.path
    declared = {one.name: one for one in draft.operation.parameters_in(Location.PATH)}
    parts, end = [], 0
    for hole in PATH_PARAMETER.finditer(template):
        parts.append(quote(template[end : hole.start()], safe=PATH_SAFE))
        name, end = hole[1], hole.end()
        text = ids[name] if name in ids else _simple(declared.get(name), values.get(name))
        parts.append(_path_segment(text))
    parts.append(quote(template[end:], safe=PATH_SAFE))
    return "".join(parts)


def _path_segment(text: str) -> str:
    # "." and ".." would be taken out of the path and reach another operation.
    return text.replace(".", "%2E") if text in (".", "..") else quote(text, safe="")


def _simple(parameter: Parameter | None, value: Json) -> str:
    """One parameter of a path or a header, in the style `simple`."""
    if parameter is None or parameter.is_json or not isinstance(value, list | dict):
        return text_of(value)
    if isinstance(value, list):
        return ",".join(map(text_of, value))
    between = "=" if parameter.explode else ","
    return ",".join(f"{name}{between}{text_of(part)}" for name, part in value.items())


def _headers(draft: Draft, fixed: Mapping[str, str]) -> dict[str, str]:
    """The fixed headers and those of the draft that they do not replace, in any case."""
    taken = {name.lower() for name in fixed}
    declared = {one.name: one for one in draft.operation.parameters_in(Location.HEADER)}
    # Anything that no header may carry (controls, non-ASCII) goes out percent-encoded.
    made = {
        name: quote(_simple(declared.get(name), value).strip(), safe=_HEADER_SAFE)
        for name, value in draft.values[Location.HEADER].items()
        if name.lower() not in taken
    }
    return made | dict(fixed)


def _cookies(draft: Draft, presented: Presented) -> dict[str, str]:
    made = [
        (quote(name, safe=""), quote(text, safe=""))
        for name, text in _pairs(draft, Location.COOKIE)
    ]
    pairs = [*made, *presented.cookies.items()]
    return {"Cookie": "; ".join(f"{name}={text}" for name, text in pairs)} if pairs else {}


def _pairs(draft: Draft, location: Location) -> Iterator[tuple[str, str]]:
    values = draft.values[location]
    for parameter in draft.operation.parameters_in(location):
        if parameter.name in values:
            yield from _serialized(parameter, values[parameter.name])


def _serialized(parameter: Parameter, value: Json) -> Iterator[tuple[str, str]]:
    """One parameter in its style: https://spec.openapis.org/oas/v3.1.0#style-values."""
    name = parameter.name
    if isinstance(value, dict) and not parameter.is_json:
        is_deep = parameter.style == "deepObject"
        if not (is_deep or parameter.explode):
            texts = [text for key, part in value.items() for text in (key, text_of(part))]
            yield name, _DELIMITERS.get(parameter.style, ",").join(texts)
            return
        for key, part in value.items():
            yield (f"{name}[{key}]" if is_deep else key), text_of(part)
    elif isinstance(value, list) and not parameter.is_json:
        texts = [text_of(item) for item in value]
        joined = [_DELIMITERS.get(parameter.style, ",").join(texts)] if texts else []
        yield from ((name, text) for text in (texts if parameter.explode else joined))
    else:
        yield name, text_of(value)


def _content_type(body: Body) -> str:
    if body.media_type == MULTIPART_MEDIA_TYPE:
        return f"{MULTIPART_MEDIA_TYPE}; boundary={MULTIPART_BOUNDARY}"
    # From the document: only what a header may carry.
    return quote(body.media_type, safe=_HEADER_SAFE)


def _content(body: Body, value: Json) -> bytes:
    if body.media_type == FORM_MEDIA_TYPE and isinstance(value, dict):
        return urlencode(list(_fields(value))).encode()
    if body.media_type == MULTIPART_MEDIA_TYPE and isinstance(value, dict):
        return _multipart(value)
    if "json" not in body.media_type and isinstance(value, str | bytes):
        return value if isinstance(value, bytes) else value.encode()
    return msgspec.json.encode(value)


def _fields(form: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    for name, value in form.items():
        for item in value if isinstance(value, list) else [value]:
            yield name, text_of(item)


def _multipart(form: Mapping[str, Json]) -> bytes:
    parts = []
    for name, value in form.items():
        for item in value if isinstance(value, list) else [value]:
            is_file = isinstance(item, bytes)
            content = item if isinstance(item, bytes) else text_of(item).encode()
            parts.append(_part_head(name, is_file=is_file) + content + b"\r\n")
    return b"".join([*parts, f"--{MULTIPART_BOUNDARY}--\r\n".encode()])


def _part_head(name: str, *, is_file: bool) -> bytes:
    field_name = quote(name, safe=_HEADER_SAFE.replace('"', ""))
    disposition = f'Content-Disposition: form-data; name="{field_name}"'
    if is_file:
        disposition += '; filename="file.bin"\r\nContent-Type: application/octet-stream'
    return f"--{MULTIPART_BOUNDARY}\r\n{disposition}\r\n\r\n".encode()
