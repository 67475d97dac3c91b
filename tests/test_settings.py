from pathlib import Path

import pytest

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.settings import Setting, Settings, table, variable


def test_setting_is_looked_for_in_call_then_environment_then_default() -> None:
    environment = {"PERFECTCV_TRAFFIC_BODY_LIMIT": "20", "PERFECTCV_TRAFFIC_DB": "env.db"}

    settings = Settings.resolve(environment, body_limit=30, log=Path("given.log"))

    assert (settings.body_limit, settings.db, settings.log) == (30, "env.db", "given.log")
    assert settings.output == "analysis_output"


@pytest.mark.parametrize("proxies", ["10.0.0.1 ::1", "10.0.0.1,::1", " 10.0.0.1, ::1,"])
def test_list_in_the_environment_is_separated_by_blanks_or_commas(proxies: str) -> None:
    settings = Settings.resolve({"PERFECTCV_TRAFFIC_TRUSTED_PROXIES": proxies})

    assert settings.trusted_proxies == ("10.0.0.1", "::1")


def test_regular_expressions_in_the_environment_keep_their_commas() -> None:
    paths = r"^/v\d{1,3}$, ^/[a, b]x ^/c{2,}"

    settings = Settings.resolve({"PERFECTCV_TRAFFIC_EXCLUDED_PATHS": paths})

    assert settings.excluded_paths == (r"^/v\d{1,3}$", "^/[a, b]x", "^/c{2,}")


@pytest.mark.parametrize("setting", table(), ids=lambda setting: setting.name)
def test_empty_variable_is_as_good_as_none_except_for_lists(setting: Setting) -> None:
    settings = Settings.resolve({setting.variable: ""})

    is_list = isinstance(setting.default, tuple)
    assert getattr(settings, setting.name) == (() if is_list else setting.default)


def test_secret_of_a_wrong_type_is_not_shown() -> None:
    with pytest.raises(UsageError, match="admin_token cannot be used") as caught:
        Settings.resolve({}, admin_token=b"s3cret")

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("switch", ["1", "true"])
def test_switch_in_the_environment_is_understood(switch: str) -> None:
    assert Settings.resolve({"PERFECTCV_TRAFFIC_DISABLED": switch}).disabled


def test_value_out_of_range_names_its_source() -> None:
    with pytest.raises(UsageError, match="PERFECTCV_TRAFFIC_BODY_LIMIT='99999' cannot be used"):
        Settings.resolve({"PERFECTCV_TRAFFIC_BODY_LIMIT": "99999"})


def test_unknown_setting_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"unknown setting 'bodylimit'.*body_limit"):
        Settings.resolve({}, bodylimit=3)


def test_every_setting_has_variable_default_and_meaning() -> None:
    for setting in table():
        assert setting.variable == variable(setting.name)
        assert setting.meaning
        assert getattr(Settings(), setting.name) == setting.default


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("INGEST", "nobody", "it is child or off"),
        ("CLIENT_IP", "some", "it is full, masked, hashed or none"),
        ("DISABLED", "maybe", "it is true or false"),
        ("BODY_LIMIT", "99999", "it is a whole number, at least 0, at most 10240"),
        ("FLUSH_INTERVAL", "0", "it is a number, more than 0, at most 60"),
        ("RATE_LIMIT_WINDOW", "90", "at least 60, at most 1440, a multiple of 60"),
    ],
)
def test_value_that_cannot_be_used_is_told_with_those_that_can(
    name: str, value: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        Settings.resolve({f"PERFECTCV_TRAFFIC_{name}": value})
