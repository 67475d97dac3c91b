"""Which files beside a log are rotated generations of it, by their names."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfectcv_traffic.log.siblings import is_rotated_name

NEIGHBOURS = ("api-8001.log", "api_8001.log", "api.8001.log", "api-1.log", "api-1234567.log")


@pytest.mark.parametrize(
    "name",
    [
        "api.log.1",
        "api.log.10.gz",
        "api.log.1.zst",
        "api.log-20260102",
        "api.log-20260102.gz",
        "api.log-20260102-1700000000.xz",
        "api.log-2026010205",
        "api.log.1-2026010205.backup",
        "api.log-20260102-2026010205.backup.gz",
        "api.log.2026-01-02_03-04-05",
        "api.log.1700000000",
        "api.log-1700000000",
        "api.log-202601",
        "api.log-02-01-2026",
        "api.1.log",
        "api.12.log.gz",
        "api.1.log-2026010205.backup",
        "api-20260102.log",
        "api-20260102.log.gz",
        "api_2026-01-02.log",
        "api.2026-01-02.log",
        "api-2026-01-02T03-04-05.678.log",
        "api-02012026.log",
    ],
)
def test_generation_of_a_log_is_found_by_its_name(name: str) -> None:
    assert is_rotated_name("api.log", name)


@pytest.mark.parametrize(
    "name",
    [
        *NEIGHBOURS,
        *(f"{name}.1" for name in NEIGHBOURS),
        *(f"{name}-20260102.gz" for name in NEIGHBOURS),
        "api.log",
        "api.log.key",
        "api-worker.log",
        "api2.log",
        "api.log-8001",
    ],
)
def test_neighbour_of_a_log_is_none_of_its_generations(name: str) -> None:
    assert not is_rotated_name("api.log", name)


def test_neighbour_of_a_log_without_an_extension_is_none_of_its_generations() -> None:
    assert not is_rotated_name("access", "access-8001")
    assert is_rotated_name("access", "access-20260102")


@given(
    time=st.datetimes(datetime(1970, 1, 1), datetime(2099, 12, 31)),
    form=st.sampled_from(["%Y%m", "%Y%m%d", "%Y-%m-%d", "%Y%m%d%H", "%Y-%m-%d_%H-%M-%S", "%d%m%Y"]),
    name=st.sampled_from(
        ["api.log-{}", "api.log.{}.gz", "api-{}.log", "api_{}.log.xz", "api.{}.log"]
    ),
)
def test_log_with_a_date_is_a_generation(time: datetime, form: str, name: str) -> None:
    assert is_rotated_name("api.log", name.format(time.strftime(form)))


@given(
    number=st.integers(0, 4_194_304),
    name=st.sampled_from(["api-{}.log", "api_{}.log", "api-{}.log.1", "api-{}.log.gz"]),
)
def test_log_with_the_number_of_a_port_or_process_is_none(number: int, name: str) -> None:
    looks_like_a_month = 190_000 <= number < 210_000
    assert looks_like_a_month or not is_rotated_name("api.log", name.format(number))
