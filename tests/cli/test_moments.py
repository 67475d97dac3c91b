from datetime import UTC, datetime, timedelta

import pytest

from perfectcv_traffic.cli.moments import moment, share, span
from perfectcv_traffic.errors import UsageError

NOW = datetime(2026, 11, 21, 22, 5, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h ago", "2026-11-21T20:05:00.123456Z"),
        ("1d", "2026-11-20T22:05:00.123456Z"),
        ("2026-11-21", "2026-11-21T00:00:00.000000Z"),
        ("2026-11-21T22:05", "2026-11-21T22:05:00.000000Z"),
        ("2026-11-21T22:05:00+02:00", "2026-11-21T20:05:00.000000Z"),
        ("2026-11-21T22:05:00.5Z", "2026-11-21T22:05:00.500000Z"),
    ],
)
def test_moment_is_absolute_or_so_long_ago(text: str, expected: str) -> None:
    assert moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["yesterday", "", "2026-13-01", "9" * 400 + "d", "9999999w"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no"):
        moment(text, NOW)


def test_span_has_a_unit() -> None:
    assert span("500ms") == timedelta(milliseconds=500)
    assert span("1.5 H") == timedelta(minutes=90)
    with pytest.raises(UsageError, match="no length of time"):
        span("500")


@pytest.mark.parametrize(("text", "expected"), [("1%", 0.01), ("0.05", 0.05), ("100 %", 1)])
def test_share_is_a_percentage_or_a_fraction(text: str, expected: float) -> None:
    assert float(share(text)) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["101%", "-1", "nan", "much", "5", "1"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no share"):
        share(text)
