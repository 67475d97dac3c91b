"""The parts of a captured multipart/form-data body."""

from __future__ import annotations

import re
from typing import NamedTuple

from perfectcv_traffic.redaction import Redactor
from perfectcv_traffic.secrecy.names import REDACTED

MAX_PARTS = 1000
VALUE_LIMIT = 10_000
_NAME = re.compile(r'\bname="?((?:[^"\\\r\n]|\\.)*)', re.IGNORECASE)
_FILE_NAME = re.compile(r'\bfilename\*?="?([^"\r\n]*)', re.IGNORECASE)
_CONTENT_TYPE = re.compile(r"^content-type:\s*([\w.+/-]+)", re.IGNORECASE | re.MULTILINE)
_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^;\s]+))', re.IGNORECASE)


class Part(NamedTuple):
    """One part: a field has a text, a file has none."""

    name: str
    text: str | None
    file_name: str
    media_type: str
    size: int | None
    """None when the body was cut inside this part."""


def parts(head: bytes, content_type: str, *, whole: bool) -> list[Part]:
    """The parts in order; empty when the body cannot be read as its type says."""
    match = _BOUNDARY.search(content_type)
    if match is None:
        return []
    boundary = b"--" + (match[1] or match[2]).encode("latin-1", "replace")
    raw = head.split(boundary, MAX_PARTS + 1)[1:][:MAX_PARTS]
    last = len(raw) - 1
    read = (_part(part, cut=not whole and index == last) for index, part in enumerate(raw))
    return [part for part in read if part is not None]


def shown(part: Part, redactor: Redactor) -> str:
    """A part for people: a field's value unless it is secret; of a file what describes it."""
    if part.text is None:
        size = "size unknown" if part.size is None else f"{part.size} bytes"
        about = (redactor.text(part.file_name), part.media_type, size)
        return f"<file {', '.join(filter(None, about))}>"
    if redactor.is_secret(part.name):
        return REDACTED
    return redactor.text(part.text)


def _part(raw: bytes, *, cut: bool) -> Part | None:
    headers, separator, value = raw.partition(b"\r\n\r\n")
    about = headers.decode("utf-8", "replace")
    name = _NAME.search(re.sub(r"filename\*?=\"?[^\"\r\n]*", "", about, flags=re.IGNORECASE))
    if name is None or not separator:
        return None
    value = value.removesuffix(b"\r\n")
    file_name, media_type = _FILE_NAME.search(about), _CONTENT_TYPE.search(about)
    is_file = file_name is not None or (
        media_type is not None and not media_type[1].startswith("text/")
    )
    return Part(
        name=name[1],
        text=None if is_file else value[:VALUE_LIMIT].decode("utf-8", "replace"),
        file_name=file_name[1] if file_name else "",
        media_type=media_type[1] if media_type else "",
        size=None if cut else len(value),
    )
