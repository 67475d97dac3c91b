"""The log formats that can be read, and which of them a log is in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from perfectcv_traffic.log import access_json, access_text, native
from perfectcv_traffic.log.foreign import ForeignRecords
from perfectcv_traffic.log.lines import BYTE_ORDER_MARK, Decode, LineParser, Parsed, RejectedError
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.log.routes import Find
from perfectcv_traffic.proxies import TrustedProxies
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.redaction import Redactor
from perfectcv_traffic.settings import Settings

VOTERS = 50
"""Lines that decide on the format of a log."""


class LogFormat(StrEnum):
    """A format of log lines."""

    NATIVE = "native"
    UVICORN = "uvicorn"
    COMBINED = "combined"
    CADDY = "caddy"
    JSON = "json"


_FOREIGN: Mapping[LogFormat, Callable[[ForeignRecords], Decode]] = {
    LogFormat.UVICORN: access_text.uvicorn,
    LogFormat.CADDY: access_json.caddy,
    LogFormat.JSON: access_json.aliased,
}
_TEXT = frozenset({LogFormat.UVICORN, LogFormat.COMBINED})


class Formats:
    """Parsers of every format for one record model."""

    def __init__(
        self,
        form: StoredForm,
        redactor: Redactor,
        find_route: Find | None = None,
        proxies: TrustedProxies | None = None,
    ) -> None:
        """`proxies`: whose forwarded addresses count; else whom the environment's setting names."""
        self._form = form
        self._proxies = proxies
        self._redactor = redactor
        self._records = ForeignRecords(form, redactor, find_route)
        self._parsers: dict[LogFormat, LineParser] = {}

    def parser(self, log_format: LogFormat) -> LineParser:
        """The parser of a format."""
        if log_format not in self._parsers:
            self._parsers[log_format] = self._make(log_format)
        return self._parsers[log_format]

    def _make(self, log_format: LogFormat) -> LineParser:
        if log_format == LogFormat.NATIVE:
            return LineParser(
                self._form.decode,
                self._redactor,
                is_json=True,
                errors=native.ERRORS,
                reason=native.reason,
            )
        decode = self._foreign(log_format)
        return LineParser(decode, self._redactor, is_json=log_format not in _TEXT)

    def _foreign(self, log_format: LogFormat) -> Decode:
        if log_format == LogFormat.COMBINED:
            return access_text.combined(self._records, self._proxies or _trusted())
        return _FOREIGN[log_format](self._records)

    def detect(self, lines: Iterable[bytes]) -> LogFormat | None:
        """The format most of the lines are in; None when not one is recognised."""
        return elected(self.votes(lines))

    def votes(self, lines: Iterable[bytes]) -> Counter[LogFormat]:
        """How many of the lines are in which format."""
        return Counter(found for line in lines if (found := self._vote(line)) is not None)

    def explain(self, lines: Iterable[bytes], log_format: LogFormat) -> list[Parsed]:
        """What becomes of each of the lines."""
        parser = self.parser(log_format)
        return [parser.parse(line) for line in lines]

    def _vote(self, line: bytes) -> LogFormat | None:
        line = line.lstrip(b"\0").removeprefix(BYTE_ORDER_MARK).strip()
        if line.startswith(b"{"):
            return self._vote_json(line)
        for log_format in (LogFormat.COMBINED, LogFormat.UVICORN):
            if self._reads(log_format, line):
                return log_format
        return None

    def _vote_json(self, line: bytes) -> LogFormat | None:
        try:
            found = access_json.decoded(line)
        except RejectedError:
            return None
        if native.is_native(found):
            return LogFormat.NATIVE
        wanted = LogFormat.CADDY if access_json.is_caddy(found) else LogFormat.JSON
        if self._reads(wanted, line):
            return wanted
        return LogFormat.NATIVE if self._reads(LogFormat.NATIVE, line) else None

    def _reads(self, log_format: LogFormat, line: bytes) -> bool:
        return isinstance(self.parser(log_format).parse(line), TrafficLog)


def elected(votes: Counter[LogFormat]) -> LogFormat | None:
    """The format with the most votes; None if there are none."""
    return votes.most_common(1)[0][0] if votes else None


def _trusted() -> TrustedProxies:
    """As set in the environment: each process that reads a log finds it there."""
    return TrustedProxies(Settings.resolve().trusted_proxies)
