"""Query strings: free of secrets, and the nulls in them; one that repeats is read once."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote

from perfectcv_traffic import nulls
from perfectcv_traffic.capture.remembered import remember
from perfectcv_traffic.record import NullDetail
from perfectcv_traffic.redaction import Redactor

MAX_REMEMBERED = 1000
MAX_LENGTH = 256


class ReadQuery(NamedTuple):
    """A query string, read."""

    sent: str
    """As it was sent, secrets included: never to be kept."""
    shown: str = ""
    """Redacted, its order and spelling kept."""
    plain: str = ""
    """The same without percent-encoding, for people."""
    nulls: tuple[NullDetail, ...] = ()
    partial: bool = False
    """It holds more pairs than are searched for nulls."""
    may_carry: bool = False
    """Whether a credential with one of the usual names can be in it."""


_NONE = ReadQuery("")


class QueryReader:
    """Reads query strings; remembers those without secrets."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._known: dict[bytes, ReadQuery] = {}

    def read(self, raw: bytes) -> ReadQuery:
        """What may be kept of a query string."""
        if not raw:
            return _NONE
        known = self._known.get(raw)
        return self._read(raw) if known is None else known

    def _read(self, raw: bytes) -> ReadQuery:
        sent = raw.decode("latin-1")
        shown = self._redactor.query(sent)
        folded = sent.lower()
        found = ReadQuery(
            sent,
            shown,
            unquote(shown),
            tuple(nulls.in_urlencoded(sent, "query", self._redactor.text)),
            nulls.exceeds(sent),
            "token" in folded or "key" in folded or "%" in folded,
        )
        if shown == sent and len(raw) <= MAX_LENGTH:
            remember(self._known, raw, found, MAX_REMEMBERED)
        return found
