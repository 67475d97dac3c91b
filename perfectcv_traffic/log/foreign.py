"""What all foreign access logs share: a request target, a time, a client, made into a record.

What a format does not carry stays None: "not recorded", never "no".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import unquote

from perfectcv_traffic import nulls
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.log.routes import Find
from perfectcv_traffic.record import MAX_NULL_DETAILS, USER_AGENT_LIMIT, TrafficLog
from perfectcv_traffic.redaction import Redactor
from perfectcv_traffic.secrecy.paths import without_parameters
from perfectcv_traffic.timestamps import stamp

MAX_REMEMBERED = 10_000
MAX_TIME = 64
"""Characters of a time: what is longer is none, and is not remembered."""

LARGEST_SECONDS = 1e11
"""An epoch number from here on does not count seconds, but thousandths, or thousandths of these."""

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_CLF_TIME = re.compile(
    r"(\d{2})/([A-Z][a-z]{2})/(\d{4}):(\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,6}))?"
    r" ?([+-]\d{2}):?(\d{2})"
)


class ForeignRecords:
    """Builds records from the parts that access logs give."""

    def __init__(
        self, form: StoredForm, redactor: Redactor, find_route: Find | None = None
    ) -> None:
        self._form = form
        self._redactor = redactor
        self._find_route = find_route
        self._times: dict[str, str | None] = {}

    def build(self, target: str | None, **values: Any) -> TrafficLog:
        """A record; `target` is the request target as sent, path and query."""
        values.setdefault("request_id", "")
        agent = values.get("user_agent")
        if agent:
            values["user_agent"] = self._redactor.text(agent[:USER_AGENT_LIMIT])
        return self._form.record(**self._target(target), **values)

    def referer(self, url: str | None) -> dict[str, str] | None:
        """Request headers of a log that carries the referring URL only."""
        return {"referer": self._redactor.url(url)} if url else None

    def headers(self, headers: dict[str, str]) -> dict[str, str] | None:
        """Headers as they may be kept."""
        kept = {
            name.lower(): self._redactor.header(name.lower(), value)
            for name, value in headers.items()
        }
        return kept or None

    def time(self, text: str) -> str | None:
        """A time in our fixed width; a log has many lines of one second."""
        if len(text) > MAX_TIME:
            return None
        if text not in self._times:
            if len(self._times) >= MAX_REMEMBERED:
                self._times.clear()
            self._times[text] = _parse_time(text)
        return self._times[text]

    def _target(self, target: str | None) -> dict[str, Any]:
        if not target:
            return {}
        before, question, query = target.partition("?")
        _, scheme, rest = before.partition("://")
        # `http://host/path` through a proxy; a path may have `://` in it too.
        is_absolute = scheme and not before.startswith("/")
        path = "/" + rest.partition("/")[2] if is_absolute else before
        found = nulls.in_urlencoded(query, "query", self._redactor.text) if query else []
        plain = unquote(path, errors="backslashreplace")
        route = self._find_route(plain) if self._find_route else None
        if route and "{" in route:
            hide = partial(without_parameters, template=route, is_secret=self._redactor.is_secret)
            plain, before = hide(plain), f"{before.removesuffix(path)}{hide(path)}"
        return {
            "url": self._redactor.url(f"{before}{question}{query}"),
            "path": self._redactor.path(plain),
            "route": route,
            "query_params": self._redactor.query(query),
            "null_params_count": len(found),
            "null_params_details": found[:MAX_NULL_DETAILS],
        }


def _parse_time(text: str) -> str | None:
    if match := _CLF_TIME.match(text):
        day, month, year, hour, minute, second, fraction, zone, zone_minutes = match.groups()
        number = _MONTHS.get(month)
        text = f"{year}-{number:02d}-{day}T{hour}:{minute}:{second}" if number else ""
        text += f".{(fraction or '0').ljust(6, '0')}{zone}:{zone_minutes}"
    try:
        if re.fullmatch(r"\d{9,}(?:\.\d+)?", text):
            return epoch(float(text))
        time = datetime.fromisoformat(text.replace(",", "."))
        # Within the first and the last day of all a zone leads out of what there is.
        return stamp((time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC))
    except (ValueError, OverflowError, OSError):
        return None


def epoch(number: float) -> str | None:
    """A time from seconds, milliseconds, microseconds or nanoseconds since 1970."""
    try:
        while number >= LARGEST_SECONDS:
            number /= 1000
        return stamp(datetime.fromtimestamp(number, UTC))
    except (ValueError, OverflowError, OSError):
        return None
