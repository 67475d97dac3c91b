"""A captured body, read: text that may be kept, and the nulls in it.

The order is fixed: decode, find nulls, redact; cutting to the length kept comes last, elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from perfectcv_traffic import nulls
from perfectcv_traffic.json_scan import scan
from perfectcv_traffic.record import MAX_NULL_DETAILS, NullDetail
from perfectcv_traffic.redaction import Redactor

_CHARSET = re.compile(r"charset=[\"']?([\w.:-]+)", re.IGNORECASE)
_PART_NAME = re.compile(rb'name="([^"]*)"')
_PART_FILE = re.compile(rb'filename="([^"]*)"')
_TEXT_TYPES = ("text/", "application/xml", "application/javascript", "application/x-ndjson")


@dataclass(slots=True)
class ReadBody:
    """What may be kept of a body."""

    text: str | None = None
    nulls: list[NullDetail] = field(default_factory=list)
    null_count: int = 0
    partial: bool = False
    """The body was longer than what was captured, so nulls beyond it are not counted."""
    fields: tuple[str, ...] = ()
    """Names of the form's fields."""


def read(head: bytes, *, whole: bool, content_type: str, redactor: Redactor) -> ReadBody:
    """Read the captured head of a body; `whole` says that nothing follows it."""
    media_type = content_type.partition(";")[0].strip().lower()
    if not head:
        return ReadBody()
    if media_type == "multipart/form-data":
        return _multipart(head, content_type, whole=whole)
    text = _decode(head, content_type, whole=whole)
    if media_type == "application/x-www-form-urlencoded":
        found = nulls.in_urlencoded(text, "form")
        names = tuple(name for name, _ in parse_qsl(text[:10_000], keep_blank_values=True))
        return _result(redactor.query(text), found, len(found), whole, names)
    if _is_json(media_type, text):
        return _json(text, redactor, whole=whole)
    if not media_type or media_type.startswith(_TEXT_TYPES):
        return ReadBody(redactor.text(text), partial=False)
    return ReadBody()


def _json(text: str, redactor: Redactor, *, whole: bool) -> ReadBody:
    result = scan(text, redactor.is_secret, MAX_NULL_DETAILS)
    if whole and not result.complete:  # not JSON after all: what looks like a null proves nothing
        return ReadBody(redactor.text(result.text))
    found = [
        NullDetail(field_name=name, field_path=path, location="json_body", kind="json_null")
        for name, path in result.nulls
    ]
    return _result(redactor.shapes(result.text), found, result.null_count, whole, ())


def _result(
    text: str, found: list[NullDetail], count: int, whole: bool, names: tuple[str, ...]
) -> ReadBody:
    return ReadBody(text, found[:MAX_NULL_DETAILS], count, not whole, names)


def _is_json(media_type: str, text: str) -> bool:
    if media_type == "application/json" or media_type.endswith("+json"):
        return True
    return not media_type and text.lstrip()[:1] in ("{", "[")


def _decode(head: bytes, content_type: str, *, whole: bool) -> str:
    match = _CHARSET.search(content_type)
    charset = match[1] if match else "utf-8-sig"
    if not match and head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        charset = "utf-16"
    try:
        text = head.decode(charset, "replace")
    except LookupError:
        text = head.decode("utf-8", "replace")
    # A cut may fall inside a character: the replacement at the end is ours, not the client's.
    return text if whole else text.rstrip("\ufffd")


def _multipart(head: bytes, content_type: str, *, whole: bool) -> ReadBody:
    """Field names, file names and sizes; values are not kept, files least of all."""
    boundary = content_type.partition("boundary=")[2].partition(";")[0].strip('" ')
    if not boundary:
        return ReadBody(partial=not whole)
    shown, names, found = [], [], []
    for part in head.split(b"--" + boundary.encode())[1:]:
        name, filename, value = _part(part)
        if name is None:
            continue
        names.append(name)
        size = f"{len(value)} bytes" if whole else "size unknown"
        shown.append(f"{name}=<file {filename}, {size}>" if filename else f"{name}=<{size}>")
        text = value.decode("utf-8", "replace") if len(value) < 16 else "a value"  # noqa: PLR2004
        found += [] if filename is not None else nulls.in_pairs([(name, text)], "form")
    return _result("; ".join(shown), found, len(found), whole, tuple(names))


def _part(part: bytes) -> tuple[str | None, str | None, bytes]:
    headers, _, value = part.partition(b"\r\n\r\n")
    name, filename = _PART_NAME.search(headers), _PART_FILE.search(headers)
    return (
        name[1].decode("utf-8", "replace") if name else None,
        filename[1].decode("utf-8", "replace") if filename else None,
        value.removesuffix(b"\r\n"),
    )
