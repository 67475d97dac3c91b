"""A captured body, read: text that may be kept, and the nulls in it.

The order is fixed: decode, find nulls, redact; cutting to the length kept comes last, elsewhere.
"""

from __future__ import annotations

import codecs
import json
import re
import zlib
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl

import msgspec

from perfectcv_traffic import nulls
from perfectcv_traffic.capture import multipart
from perfectcv_traffic.capture.exchange import Body
from perfectcv_traffic.capture.quick_json import QuickScanner
from perfectcv_traffic.capture.remembered import remember
from perfectcv_traffic.json_scan import NullValue, scan
from perfectcv_traffic.record import MAX_NULL_DETAILS, NullDetail
from perfectcv_traffic.redaction import Redactor
from perfectcv_traffic.secrecy.shapes import without_cut_end

MAX_MEMBERS = 16
"""Parts of a compressed body that are read: each one costs a copy of what follows it."""
_GZIP = b"\x1f\x8b"

CUT, INVALID_JSON, BINARY = "cut", "invalid_json", "binary"

FORM = "application/x-www-form-urlencoded"
_CHARSET = re.compile(r"charset=[\"']?([\w.:-]{1,40})", re.IGNORECASE)
# The ones that text is sent in. Python knows others whose decoders are slow on purpose-made input.
_KNOWN_CHARSET = re.compile(
    r"utf-?(8|16|32)|(us-)?ascii|iso-?8859|latin|windows-125|cp125|gb|big5|shift_?jis|euc|koi8",
    re.IGNORECASE,
)
_TEXT_TYPES = ("text/", "application/xml", "application/javascript", "application/x-ndjson")
_TEXT_TYPE = re.compile(r"application/[\w.-]+\+xml\Z")
SHORT_BYTES = 256
MAX_SHORT = 500
"""Short bodies without a secret that are remembered."""


class ReadBody(msgspec.Struct, gc=False):
    """What may be kept of a body."""

    text: str | None = None
    nulls: list[NullDetail] = []
    null_count: int = 0
    partial: bool = False
    """The body was longer than what was captured, so nulls beyond it are not counted."""
    note: str | None = None
    """How the text differs from what was sent."""
    fields: tuple[str, ...] = ()
    """Names of the form's fields."""


class BodyReader:
    """Reads the bodies of one direction, or of one kind of answer: with what is secret there.

    Of a text longer than `enough` characters more than one beyond that may be left out.
    """

    def __init__(self, redactor: Redactor, enough: int | None = None) -> None:
        self.redactor = redactor
        self._enough = enough
        self._short: dict[tuple[bytes, str], ReadBody] = {}
        self.quick_scan = QuickScanner(
            redactor.is_secret, MAX_NULL_DETAILS, redactor.text, redactor.may_name_secrets
        ).scan

    def read(self, body: Body, *, ended: bool, content_type: str, encoding: str) -> ReadBody:
        """Read the captured head of a body that was sent with these Content-Type and -Encoding.

        `ended` says that nothing follows what was received or sent of it.
        """
        head = bytes(body.head)
        if not head:
            return ReadBody()
        whole = ended and len(head) == body.size
        if whole and not encoding and len(head) <= SHORT_BYTES:
            return self._read_short(head, content_type)
        if encoding and encoding != "identity":
            plain = _decompress(head, encoding, body.kept)
            if plain is None:
                return ReadBody(note=f"encoding:{encoding[:40]}", partial=True)
            head, ended = plain
            whole = whole and ended
        result = self._read(head, content_type, whole=whole)
        if not whole and result.text is not None:
            result.text, result.note = without_cut_end(result.text), CUT
        return result

    def _read_short(self, head: bytes, content_type: str) -> ReadBody:
        """A body sent plainly: acknowledgements, errors, empty lists are often the same."""
        known = self._short.get((head, content_type))
        if known is None:
            known = self._read(head, content_type, whole=True)
            # Else it holds a secret, which is not to be kept in memory.
            is_plain = known.text is not None and known.text.encode("utf-8", "replace") == head
            if is_plain and not self.redactor.is_customised:  # the application is to see every text
                remember(self._short, (head, content_type), known, MAX_SHORT)
        return known

    def _read(self, head: bytes, content_type: str, *, whole: bool) -> ReadBody:
        media_type, charset, is_json = _kind(content_type)
        # curl sends JSON as a form unless it is told not to.
        if is_json or (media_type in ("", FORM) and head.lstrip()[:1] in (b"{", b"[")):
            return self._json(_decode(head, charset, whole=whole), whole=whole)
        if media_type == "multipart/form-data":
            return _multipart(head, content_type, self.redactor, whole=whole)
        if media_type == FORM:
            return _form(_decode(head, charset, whole=whole), self.redactor, whole=whole)
        if not media_type or media_type.startswith(_TEXT_TYPES) or _TEXT_TYPE.match(media_type):
            return ReadBody(_text(_decode(head, charset, whole=whole), self.redactor))
        return ReadBody(note=BINARY)

    def _json(self, text: str, *, whole: bool) -> ReadBody:
        result = self.quick_scan(text) if whole else None
        if result is None:
            own = self.redactor
            result = scan(text, own.is_secret, MAX_NULL_DETAILS, own.json_string)
            clean = own.free_text(result.text)
        else:
            clean = self.redactor.shapes(result.text, self._enough)
        if whole and not result.complete:  # what looks like a null in it proves nothing
            return ReadBody(clean, note=INVALID_JSON)
        found = [_detail(null) for null in result.nulls]
        return ReadBody(clean, found, result.null_count, partial=not whole)


@lru_cache(512)
def _detail(null: NullValue) -> NullDetail:
    return NullDetail(
        field_name=null.field_name,
        field_path=null.field_path,
        location="json_body",
        kind="json_null",
    )


class _Kind(NamedTuple):
    """What a Content-Type says."""

    media_type: str
    charset: str | None
    is_json: bool


@lru_cache(256)
def _kind(content_type: str) -> _Kind:
    media_type = content_type.partition(";")[0].strip().lower()
    match = _CHARSET.search(content_type)
    charset = match[1] if match and _KNOWN_CHARSET.match(match[1]) else None
    return _Kind(
        media_type, charset, media_type == "application/json" or media_type.endswith("+json")
    )


def _text(text: str, redactor: Redactor) -> str:
    if "{" in text and redactor.may_name_secrets(text):  # lines of JSON, server-sent events
        text = scan(text, redactor.is_secret, 0, redactor.json_string).text
    return redactor.free_text(text)


def _form(text: str, redactor: Redactor, *, whole: bool) -> ReadBody:
    found = nulls.in_urlencoded(text, "form", redactor.text)
    shown = redactor.query(text)
    names = tuple(name for name, _ in parse_qsl(shown[:10_000], keep_blank_values=True))
    return ReadBody(shown, found[:MAX_NULL_DETAILS], len(found), not whole, fields=names)


def _multipart(head: bytes, content_type: str, redactor: Redactor, *, whole: bool) -> ReadBody:
    """Fields by name, secret ones blanked; of a file its name, type and size."""
    parts = multipart.parts(head, content_type, whole=whole)
    if not parts:
        return ReadBody(partial=not whole, note="multipart")
    pairs = [(part.name, part.text) for part in parts if part.text is not None]
    found = nulls.in_pairs(pairs, "form", redactor.text)
    names = tuple(redactor.text(part.name) for part in parts)
    values = (multipart.shown(part, redactor) for part in parts)
    shown = "; ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))
    return ReadBody(
        shown, found[:MAX_NULL_DETAILS], len(found), not whole, "multipart", names,
    )  # fmt: skip


def _decode(head: bytes, charset: str | None, *, whole: bool) -> str:
    if charset is None:
        charset = _detected(head)
    try:
        text = head.decode(charset, "replace")
    except (LookupError, ValueError):
        text = head.decode("utf-8", "replace")
    # A cut may fall inside a character: the replacement at the end is ours, not the client's.
    return text if whole else text.rstrip("\ufffd")


def _detected(head: bytes) -> str:
    start = head[:4]
    if start.isascii() and b"\0" not in start:
        return "utf-8"
    if head[:3] == codecs.BOM_UTF8:
        return "utf-8-sig"
    # JSON in UTF-16 or -32 shows by its zero bytes.
    return json.detect_encoding(head) if b"\0" in head[:4] or head[:1] in b"\xfe\xff" else "utf-8"


def _decompress(data: bytes, encoding: str, limit: int) -> tuple[bytes, bool] | None:
    """At most `limit` bytes of the data and whether that is all; None if it cannot be told."""
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return None
    # 32: header of gzip or zlib, whichever comes; "deflate" without one is sent by some.
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        try:
            return _members(data, window, max(limit, 65_536))
        except zlib.error:
            continue
    return None


def _members(data: bytes, window: int, limit: int) -> tuple[bytes, bool]:
    """What one or several members hold; gzip has them follow each other, as its files do."""
    stream = zlib.decompressobj(window)
    plain = stream.decompress(data, limit)
    for _ in range(MAX_MEMBERS - 1):
        data = stream.unused_data
        if not data.startswith(_GZIP) or len(plain) >= limit:
            break
        stream = zlib.decompressobj(window)
        try:
            plain += stream.decompress(data, limit - len(plain))
        except zlib.error:  # of the first one it says that this is no compressed body
            return plain, False
    return plain, stream.eof and not stream.unused_data.strip(b"\0")
