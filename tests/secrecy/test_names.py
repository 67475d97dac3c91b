"""Which names are secret."""

from __future__ import annotations

import pytest

from perfectcv_traffic.secrecy.names import HINTS, SECRET_STEMS, SECRET_WORDS, SecretNames


@pytest.mark.parametrize(
    "name",
    ["creditCard", "credit_card", "passcode", "dbpass", "userpwd", "encryption_key", "pw",
     "Ocp-Apim-Subscription-Key", "AccountKey", "signing-key", "ssn", "userSSN", "ssn_last4",
     "patientssn"],
)  # fmt: skip
def test_name_of_a_secret_is_secret(name: str) -> None:
    names = SecretNames()
    assert names.is_secret(name)
    assert names.may_be_in(f"x {name} y")


@pytest.mark.parametrize(
    "name",
    ["author", "max_tokens", "token_type", "bypass_cache", "compass", "passenger", "primary_key",
     "keyboard", "input", "input_value", "business_name", "className", "process_number", "issn",
     "input_tokens", "cached_tokens", "x-ratelimit-remaining-tokens"],
)  # fmt: skip
def test_name_that_resembles_one_is_not(name: str) -> None:
    assert not SecretNames().is_secret(name)


def test_each_secret_name_has_a_hint() -> None:
    missed = [name for name in (*SECRET_STEMS, *SECRET_WORDS) if not any(h in name for h in HINTS)]
    assert missed == []


def test_rejected_values_are_secret_where_errors_are_told() -> None:
    names = SecretNames(rejecting=True)
    assert names.is_secret("input")
    assert names.is_secret("input_value")
    assert names.may_be_in("input_value=1")
    assert not names.is_secret("inputs")
