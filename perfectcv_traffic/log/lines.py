"""What becomes of a line: a record, a reject with its reason, both (a torn line), or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.redaction import Redactor
from perfectcv_traffic.secrecy.shapes import without_cut_end

MAX_LINE = 1_048_576
RAW_LIMIT = 4096
MAX_SALVAGES = 64
"""Places in a torn line at which a whole record is looked for."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BLANK = b" \t\r\0"


class Reject(NamedTuple):
    """A line that is no record: why, its beginning (redacted), and more about it if there is."""

    reason: str
    raw: str
    detail: str | None = None


class Salvaged(NamedTuple):
    """A torn line: a writer died in the middle of one, and the next record follows directly."""

    record: TrafficLog
    position: int
    front: Reject


Parsed = TrafficLog | Reject | Salvaged | None
"""None for a blank line."""


class RejectedError(Exception):
    """A line is not a record of the format; the message is the reason."""


Decode = Callable[[bytes], TrafficLog]
"""A record from a line; raises `RejectedError`, or what its parser was told, with the reason."""


def reference(name: str, offset: int) -> str:
    """What a record without an id of its own is called: where its line is."""
    return f"{name}@{offset}"


def _message(error: Exception) -> str:
    return str(error)


class LineParser:
    """Parses lines of one format, however odd they are."""

    def __init__(
        self,
        decode: Decode,
        redactor: Redactor,
        *,
        is_json: bool,
        errors: tuple[type[Exception], ...] = (RejectedError,),
        reason: Callable[[Exception], str] = _message,
    ) -> None:
        self.decode = decode
        self.errors = errors
        self.is_json = is_json
        self._redactor = redactor
        self._reason = reason

    def parse(self, line: bytes) -> Parsed:
        """What becomes of a line without its newline."""
        if len(line) > MAX_LINE:
            line = line.lstrip(b"\0")  # what copytruncate leaves may be longer than any line
        if len(line) > MAX_LINE:
            return self.reject("too_long", line)
        try:
            return self.decode(line)
        except self.errors as error:
            return self.odd(line, error)

    def reject(self, reason: str, line: bytes, detail: str | None = None) -> Reject:
        """A reject of a line, whatever it holds."""
        raw = line[:RAW_LIMIT].decode("utf-8", "backslashreplace")
        return Reject(reason, without_cut_end(self._redactor.text(raw)), detail)

    def odd(self, line: bytes, error: Exception) -> Parsed:
        """What becomes of a line that `decode` refused."""
        reason = self._reason(error)
        # Copytruncate leaves runs of NUL, editors a byte order mark, Windows a carriage return.
        clean = line.lstrip(b"\0").removeprefix(BYTE_ORDER_MARK).removesuffix(b"\r")
        if not clean.strip(_BLANK):
            return None
        if clean != line:
            return self._again(clean) or self._salvage(clean, reason)
        return self._salvage(line, reason)

    def _again(self, line: bytes) -> TrafficLog | None:
        try:
            return self.decode(line)
        except self.errors:
            return None

    def _salvage(self, line: bytes, reason: str) -> Salvaged | Reject:
        """Save the whole record at the end of a torn line."""
        position = 0
        for _ in range(MAX_SALVAGES if self.is_json else 0):
            position = line.find(b'{"', position + 1)
            if position < 0:
                break
            if record := self._again(line[position:]):
                return Salvaged(record, position, self.reject("torn", line[:position]))
        return self.reject(reason, line)
