"""Which requests are looked at: each filter once, as a test of a record and as an SQL condition.

Both must agree: a log read directly and a database give the same numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from perfectcv_traffic import client_identifier
from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.record import TokenValidity, TrafficLog

NONE = "none"
"""No status (nothing was sent), no scenario (ordinary traffic)."""
PRESENT = "present"
UNRECORDED = "unrecorded"
TOKENS = (*(str(validity) for validity in TokenValidity), PRESENT, UNRECORDED)

_STATUS = re.compile(r"[1-5]xx|[0-9]{1,9}|none")


class Condition(NamedTuple):
    """One filter: SQL over `api_requests` with its parameters, and the same of a record."""

    sql: str
    parameters: tuple[str | int, ...]
    holds: Callable[[TrafficLog], bool]


@dataclass(frozen=True, slots=True)
class Filters:
    """Requests to look at: all filters must hold, of several values of one any.

    Times are as in `TrafficLog.timestamp`; `since` is within, `until` is not. Raises `UsageError`
    for a value that no request can have.
    """

    since: str | None = None
    until: str | None = None
    paths: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for status in self.statuses:
            if not _STATUS.fullmatch(status):
                raise UsageError(f"--status {status!r}: give a code (404), a class (5xx) or none")
        for token in self.tokens:
            if token not in TOKENS:
                # Not repeated: who sets PERFECTCV_TRAFFIC_TOKEN may have meant a secret.
                raise UsageError(f"--token chooses by validity: give {', '.join(TOKENS)}")

    def describe(self) -> dict[str, str]:
        """Every filter in force by its name, for people."""
        named = {
            "since": (self.since,),
            "until": (self.until,),
            "path": self.paths,
            "method": self.methods,
            "status": self.statuses,
            "token": self.tokens,
            "scenario": self.scenarios,
            "client": self.clients,
        }
        texts = {name: " or ".join(v for v in values if v) for name, values in named.items()}
        return {name: text for name, text in texts.items() if text}

    def conditions(self) -> tuple[Condition, ...]:
        """The filters in force."""
        return tuple(_conditions(self))

    def test(self) -> Callable[[TrafficLog], bool]:
        """Whether a record passes every filter."""
        tests = [condition.holds for condition in self.conditions()]
        return lambda record: all(holds(record) for holds in tests)

    def where(self) -> tuple[str, tuple[str | int, ...]]:
        """An SQL expression over `api_requests` and its parameters."""
        conditions = self.conditions()
        parameters = tuple(value for one in conditions for value in one.parameters)
        return " AND ".join(f"({one.sql})" for one in conditions) or "1", parameters


def matches(pattern: str, text: str | None) -> bool:
    """Whether a regular expression fits the whole text: SQL knows it as `matches`."""
    return text is not None and re.fullmatch(pattern, text, re.DOTALL) is not None


def _conditions(filters: Filters) -> Iterator[Condition]:
    yield from _times(filters)
    if filters.paths:
        yield _path(filters.paths)
    if filters.methods:
        yield _method(filters.methods)
    if filters.statuses:
        yield _status(filters.statuses)
    if filters.tokens:
        yield _token(filters.tokens)
    if filters.scenarios:
        yield _scenario(filters.scenarios)
    if filters.clients:
        yield _client(filters.clients)


def _times(filters: Filters) -> Iterator[Condition]:
    if since := filters.since:
        yield Condition("timestamp >= ?", (since,), lambda r: (r.timestamp or "") >= since)
    if until := filters.until:
        yield Condition(
            "timestamp < ?", (until,), lambda r: r.timestamp is not None and r.timestamp < until
        )


def _method(names: tuple[str, ...]) -> Condition:
    """In any case of letters: a record has the method as it was sent, `get` too."""
    methods = tuple(map(_upper, names))
    return Condition(
        _among("upper(method)", methods),
        methods,
        lambda r: r.method is not None and _upper(r.method) in methods,
    )


def _upper(text: str) -> str:
    """As SQLite's: other letters than A to Z stay."""
    return text.encode().upper().decode()


def _scenario(scenarios: tuple[str, ...]) -> Condition:
    sql = _among(f"coalesce(nullif(scenario, ''), '{NONE}')", scenarios)
    return Condition(sql, scenarios, lambda r: (r.scenario or NONE) in scenarios)


def _client(clients: tuple[str, ...]) -> Condition:
    """By address, token or, as tables name a client of which neither is known, `unknown`."""
    sql = f"{_among('client_ip', clients)} OR {_among('api_token', clients)}"
    allows_unknown = client_identifier.UNKNOWN in clients

    def holds(record: TrafficLog) -> bool:
        is_unknown = allows_unknown and client_identifier.of(record) == client_identifier.UNKNOWN
        return is_unknown or record.client_ip in clients or record.api_token in clients

    unknown = f"{sql} OR {client_identifier.SQL} = '{client_identifier.UNKNOWN}'"
    return Condition(unknown if allows_unknown else sql, clients * 2, holds)


def _among(expression: str, values: tuple[str | int, ...]) -> str:
    return f"{expression} IN ({', '.join('?' * len(values))})"


def _path(globs: tuple[str, ...]) -> Condition:
    """`*` stands for any characters; the route template or the path itself may fit."""
    pattern = "|".join(".*".join(map(re.escape, glob.split("*"))) for glob in globs)
    return Condition(
        "matches(?, route) OR matches(?, path)",
        (pattern, pattern),
        lambda r: matches(pattern, r.route) or matches(pattern, r.path),
    )


def _status(statuses: tuple[str, ...]) -> Condition:
    codes = tuple(int(status) for status in statuses if status.isdecimal())
    classes = tuple(int(status[0]) for status in statuses if status.endswith("xx"))
    allows_none = NONE in statuses
    sql = f"{_among('status_code', codes)} OR {_among('status_code / 100', classes)}"

    def holds(record: TrafficLog) -> bool:
        code = record.status_code
        return allows_none if code is None else code in codes or code // 100 in classes

    return Condition(
        f"{sql} OR status_code IS NULL" if allows_none else sql, codes + classes, holds
    )


def _token(tokens: tuple[str, ...]) -> Condition:
    sent = {str(one) for one in TokenValidity} - {TokenValidity.ABSENT}
    wanted = tuple(sorted({*tokens} - {PRESENT} | (sent if PRESENT in tokens else set())))
    return Condition(
        _among(f"coalesce(nullif(token_validity, ''), '{UNRECORDED}')", wanted),
        wanted,
        lambda r: str(r.token_validity or UNRECORDED) in wanted,
    )
