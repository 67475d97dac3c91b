from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from perfectcv_traffic.analysis.catalogue import ANALYSES
from perfectcv_traffic.render.columns import (
    COLUMNS,
    NO_VALUE,
    cell,
    count,
    duration,
    hour,
    milliseconds,
    percent,
    second,
    size,
    status,
)
from perfectcv_traffic.render.excerpt import excerpt


def test_every_column_of_every_analysis_has_a_heading(any_results: dict[str, pd.DataFrame]) -> None:
    used = {str(name) for frame in any_results.values() for name in frame.columns}

    assert used == set(COLUMNS)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1234, "1,234"), (np.int64(5), "5"), (np.True_, "yes"), (0.25, "0.25"),
        (pd.NaT, NO_VALUE), ("a\x1b", r"a\x1b"),
        (pd.Timestamp("2026-11-21T22:05Z"), "2026-11-21 22:05:00"),
    ],
)  # fmt: skip
def test_column_that_nobody_declared_reads_as_its_name_in_a_plain_format(
    value: object, shown: str
) -> None:
    assert COLUMNS["boom_rate"].heading == "Boom rate"
    assert cell("boom_rate", value) == shown


def test_every_percentage_says_of_what() -> None:
    formatted = [column.heading for column in COLUMNS.values() if column.format is percent]

    assert formatted
    assert all("% of " in heading for heading in formatted)


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0, "0 %"), (0.0004, "< 0.1 %"), (0.0005, "0.1 %"), (0.1234, "12.3 %"),
        (0.9994, "99.9 %"), (0.9996, "> 99.9 %"), (1, "100 %"),
    ],
)  # fmt: skip
def test_percent_keeps_nothing_and_everything_apart_from_nearly(share: float, shown: str) -> None:
    assert percent(share) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0.000"), (0.0042, "0.004"), (0.9996, "1.00"), (1.234, "1.23"),
        (12.34, "12.3"), (99.96, "100"), (123.4, "123"), (12345.6, "12,346"),
    ],
)  # fmt: skip
def test_milliseconds_have_about_three_digits(value: float, shown: str) -> None:
    assert milliseconds(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0 µs"), (0.001, "1 µs"), (0.85, "850 µs"), (1, "1 ms"), (12.34, "12.3 ms"),
        (380.4, "380 ms"), (1000, "1 s"), (1534.2, "1.53 s"), (12_345_678, "12,346 s"),
    ],
)  # fmt: skip
def test_duration_carries_the_unit_that_fits(value: float, shown: str) -> None:
    assert duration(value) == shown


@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_250_000, "1.2 MB"),
        (999_960_000, "1.0 GB"), (5 * 10**18, "5,000.0 PB"),
    ],
)  # fmt: skip
def test_size_carries_the_unit_that_fits(octets: float, shown: str) -> None:
    assert size(octets) == shown


def test_numbers_and_times_are_written_out() -> None:
    moment = datetime(2026, 11, 21, 22, 5, 7, 123, tzinfo=UTC)

    assert count(1234567) == "1,234,567"
    assert hour(moment) == "2026-11-21 22:05"
    assert second(moment) == "2026-11-21 22:05:07"
    assert status(404) == "404 Not Found"
    assert status(299) == "299"


def test_cell_says_what_a_missing_value_means() -> None:
    assert cell("mean_ms", float("nan")) == NO_VALUE
    assert cell("hour", pd.NaT) == "not recorded"
    assert cell("status_code", pd.NA) == "no response"
    assert cell("scenario", pd.NA) == "ordinary traffic"


def test_cell_makes_hostile_text_harmless() -> None:
    assert cell("endpoint", "GET /\x1b[31m") == r"GET /\x1b[31m"


def test_excerpt_of_hours_is_their_end_and_of_others_their_beginning() -> None:
    analysis = next(one for one in ANALYSES if one.name == "traffic_over_time")
    hours, others = pd.DataFrame({"hour": range(30)}), pd.DataFrame({"client": range(30)})

    assert excerpt(hours, analysis, 30) == (hours, "")
    assert excerpt(hours, analysis, 10)[0]["hour"].tolist() == [*range(20, 30)]
    assert excerpt(hours, analysis, 10)[1] == "the last 10 of 30"
    assert excerpt(others, analysis, 10)[0]["client"].tolist() == [*range(10)]
    assert excerpt(others, analysis, 10)[1] == "the first 10 of 30"


def test_table_that_is_full_says_that_there_may_be_more() -> None:
    analysis = next(one for one in ANALYSES if one.name == "unmatched_paths")

    assert analysis.most == 20
    assert excerpt(pd.DataFrame({"n": range(20)}), analysis, 24)[1] == (
        "the first 20, there may be more"
    )
    assert excerpt(pd.DataFrame({"n": range(19)}), analysis, 24)[1] == ""
