"""How a value of each column is written: one mapping for terminal, page and charts.

The heading carries the unit and, for a percentage, what it is a percentage of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from perfectcv_traffic.analysis.findings import place
from perfectcv_traffic.render.text import visible

NO_VALUE = "–"  # an en dash: a hyphen reads as a minus
NARROWEST = 12
_SECOND_MS = 1000
_KILO = 1000


class Column(NamedTuple):
    """Heading, formatter and alignment of a column, and how a missing value reads."""

    heading: str
    format: Callable[[Any], str]
    align: Literal["left", "right"] = "right"
    missing: str = NO_VALUE
    is_path: bool = False
    """Anyone may have made it long: cut in the middle where it does not fit."""
    narrowest: int = NARROWEST
    """Cells that a path has at least."""


def count(value: float) -> str:
    """A whole number with thousands separators."""
    return f"{int(value):,}"


def milliseconds(value: float) -> str:
    """A number of milliseconds with about three digits; the unit is in the heading."""
    for bound, decimals in ((1, 3), (10, 2), (100, 1)):
        if round(value, decimals) < bound:
            return f"{value:.{decimals}f}"
    return f"{value:,.0f}"


def duration(milliseconds_: float) -> str:
    """A duration with its unit: 850 µs, 12.3 ms, 1.5 s."""
    for bound, unit_ms, unit in ((1, 0.001, "µs"), (_SECOND_MS, 1, "ms")):
        if milliseconds_ < bound:
            return f"{_brief(milliseconds_ / unit_ms)} {unit}"
    return f"{_brief(milliseconds_ / _SECOND_MS)} s"


def _brief(value: float) -> str:
    """About three digits, without zeros at the end."""
    decimals = next((d for bound, d in ((10, 2), (100, 1)) if value < bound), 0)
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if decimals else text


def percent(share: float) -> str:
    """A share of 1 as a percentage; only nothing is 0 %, only everything is 100 %."""
    if share in {0, 1}:
        return f"{share:.0%}".replace("%", " %")
    if round(share, 3) == 0:
        return "< 0.1 %"
    if round(share, 3) == 1:
        return "> 99.9 %"
    return f"{share * 100:.1f} %"


def times(factor: float) -> str:
    """A factor with about two digits."""
    return f"{factor:.2f}" if factor < 10 else f"{factor:,.0f}"  # noqa: PLR2004


def size(octets: float) -> str:
    """A number of bytes in decimal units."""
    value, unit = float(octets), "B"
    for larger in ("kB", "MB", "GB", "TB", "PB"):
        if round(value, 1) < _KILO:
            break
        value, unit = value / _KILO, larger
    return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"


def hour(moment: datetime) -> str:
    """A UTC hour."""
    return moment.isoformat(" ", "minutes")[:16]


def second(moment: datetime) -> str:
    """A UTC time to the second."""
    return moment.isoformat(" ", "seconds")[:19]


def status(code: int) -> str:
    """A status code and its reason phrase, if it is a registered one."""
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)


def yes_no(value: object) -> str:
    """Whether something is so."""
    return "yes" if value else "no"


def words(text: object) -> str:
    """Text, harmless."""
    return visible(str(text))


def _not_empty(text: object) -> str:
    """Text that names a row: something must be there to read."""
    return words(text) or "(empty)"


def _text(heading: str, missing: str = NO_VALUE) -> Column:
    return Column(heading, words, "left", missing)


def _path(heading: str, missing: str = NO_VALUE) -> Column:
    return Column(heading, _not_empty, "left", missing, is_path=True)


def _plain(value: object) -> str:
    """A value of a column that nobody declared, by its type."""
    if isinstance(value, bool | np.bool_):
        return yes_no(value)
    if isinstance(value, int | np.integer):
        return count(int(value))
    if isinstance(value, float | np.floating):
        return f"{value:,.4g}"
    return second(value) if isinstance(value, datetime) else words(value)


class _Columns(dict[str, Column]):
    """The columns that are declared; any other one reads as its name and in a plain format."""

    def __missing__(self, name: str) -> Column:
        """An analysis of one's own works before its columns are declared."""
        return Column(words(name.replace("_", " ").capitalize()), _plain, "left")


_DECLARED: dict[str, Column] = {
    "rule": _text("Rule"),
    "severity": _text("Severity"),
    "method": _text("Method"),
    "path": _path("Path"),
    "pointer": _text("Field"),
    "title": _text("Finding"),
    "observed": _text("Observed"),
    "expected": _text("Expected"),
    "evidence": _text("Evidence: request ids"),
    "requests": Column("Requests", count),
    "first_hour": Column("First hour (UTC)", hour),
    "last_hour": Column("Last hour (UTC)", hour),
    "endpoints": Column("Endpoints", count),
    "endpoint": _path("Endpoint"),
    "clients": Column("Clients", count),
    "protected": Column("To protected endpoints", count, missing="not recorded"),
    "generated": Column("Test requests", count),
    "with_token": Column("With token", count),
    "without_token": Column("Without token", count),
    "token_not_recorded": Column("Token not recorded", count),
    "share_with_token": Column("With token, % of recorded", percent),
    "status_1xx": Column("1xx", count),
    "status_2xx": Column("2xx", count),
    "status_3xx": Column("3xx", count),
    "status_4xx": Column("4xx", count),
    "status_5xx": Column("5xx", count),
    "status_other": Column("Other status", count),
    "no_response": Column("No response", count),
    "client_error_rate": Column("4xx, % of requests", percent),
    "server_error_rate": Column("5xx, % of requests", percent),
    "requests_with_null_params": Column("Requests with a null", count),
    "requests_with_null_response": Column("Answers with a null", count, missing="not recorded"),
    "incomplete": Column("Answers cut short", count, missing="not recorded"),
    "request_bytes": Column("Bytes received", size, missing="not recorded"),
    "response_bytes": Column("Bytes sent", size),
    "status_code": Column("Status", status, "left", missing="no response"),
    "status_class": _text("Class"),
    "share_of_requests": Column("% of requests", percent),
    "share_of_presence": Column("% of token group", percent),
    "share_of_timed": Column("% of timed requests", percent),
    "timed": Column("Timed requests", count),
    "total_ms": Column("Total, ms", milliseconds),
    "mean_ms": Column("Mean, ms", milliseconds),
    "min_ms": Column("Min, ms", milliseconds),
    "p50_ms": Column("p50, ms", milliseconds),
    "p90_ms": Column("p90, ms", milliseconds),
    "p95_ms": Column("p95, ms", milliseconds),
    "p99_ms": Column("p99, ms", milliseconds),
    "max_ms": Column("Max, ms", milliseconds),
    "std_ms": Column("Std dev, ms", milliseconds),
    "band": _text("Duration"),
    "from_ms": Column("Above, ms", milliseconds),
    "to_ms": Column("Up to, ms", milliseconds),
    "token_presence": _text("Token"),
    "token_validity": _text("Token validity"),
    "hour": Column("Hour (UTC)", hour, "left", missing="not recorded"),
    "source": _text("In"),
    "location": _text("Location"),
    "field_path": _path("Field"),
    "kind": _text("Null"),
    "occurrences": Column("Nulls", count),
    "scenario": _path("Scenario", missing="ordinary traffic"),
    # On two lines a UUID is whole, and an id of `generate` on one.
    "request_id": Column("Request id", _not_empty, "left", is_path=True, narrowest=18),
    "timestamp": Column("Time (UTC)", second, "left", missing="not recorded"),
    "duration_ms": Column("Duration, ms", milliseconds),
    "client": _path("Client"),
    "error_message": _path("Error"),
    "peak_per_hour": Column("Busiest hour, requests", count),
    "limited_windows": Column("Windows with a 429", count),
    "active_hours": Column("Hours with requests", count),
    "is_limited": Column("Answered 429", yes_no, "left"),
    "last_request": Column("Last request (UTC)", second),
    "user_agent": _path("User agent", missing="none sent"),
    "failed_rate": Column("Failed, % of requests", percent),
    "minutes_over_limit": Column("Minutes over the limit", count),
    "peak_per_minute": Column("Busiest minute, requests", count),
    "would_be_refused": Column("Would be refused", count),
    "login_uuid": _path("UUID"),
    "logins": Column("Logins", count),
    "succeeded": Column("Succeeded", count),
    "addresses": Column("Addresses", count),
    "first_login": Column("First login (UTC)", second),
    "last_login": Column("Last login (UTC)", second),
    "access_count": Column("Requests", count),
    "last_accessed": Column("Last request (UTC)", second),
    "coverage": _text("Coverage"),
    "share_of_time": Column("% of all time", percent),
    "token_reason": _text("Reason", missing="not known"),
    "share_of_invalid": Column("% of invalid tokens", percent),
    "lift": Column("Fails 5xx × as often", times),
    "sent": Column("Sent", count),
    "as_expected": Column("As expected", count),
    "surprises": Column("Surprises", count),
    "unanswered": Column("Unanswered", count),
    "not_recorded": Column("Not recorded", count),
    "run_id": _text("Run"),
    "recorded": Column("Recorded", count),
    "pruned": Column("Of these pruned", count),
    "missing": Column("Missing", count),
    "unexpected": Column("Unexpected", count),
    "surprise_rate": Column("Surprises, % of sent", percent),
    "requests_before": Column("Requests before", count),
    "p95_before_ms": Column("p95 before, ms", milliseconds),
    "p95_ratio": Column("p95 × before", times),
    "server_error_rate_before": Column("5xx before, % of requests", percent),
    "ingested": Column("Lines ingested", count),
    "rejected": Column("Lines rejected", count),
    "duplicates": Column("Lines already known", count),
    "damaged_logs": _text("Damaged logs"),
    "lost": Column("Requests lost, among the latest", count),
    "kept_by_chance": Column("Kept as a sample (sample_rate), among the latest", count),
    "stand_for": Column("Requests that the sample stands for", count),
    "first_request": Column("First request (UTC)", second),
}

COLUMNS: Mapping[str, Column] = _Columns(_DECLARED)
"""Each column by its name in the frames."""


def cell(name: str, value: object) -> str:
    """The value of a column as people read it, whatever was recorded."""
    column = COLUMNS[name]
    return column.missing if pd.isna(value) else column.format(value)  # type: ignore[call-overload]


def rows(frame: pd.DataFrame, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The rows of a frame as people read them."""
    return zip(*([cell(name, value) for value in frame[name]] for name in names), strict=True)


RULE = ["rule", "severity", "title", "expected"]
"""What all findings of a rule have in common."""


def places(findings: pd.DataFrame) -> Iterator[str]:
    """Where each finding was made, harmless and on one line."""
    parts = (findings[name] for name in ("method", "path", "pointer"))
    return (words(place(*one)) for one in zip(*parts, strict=True))
