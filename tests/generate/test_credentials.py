"""Each scheme gets its own credential in its own place, and secrets stay out of sight."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.generate.credential_variants import Presented, present
from perfectcv_traffic.generate.credentials import (
    Credentials,
    CredentialUse,
    missing_schemes,
)
from perfectcv_traffic.generate.openapi import Document
from perfectcv_traffic.generate.operations import Operation, parse_operations

SCHEMES = {
    "oauth2": {"type": "oauth2", "flows": {}},
    "oidc": {"type": "openIdConnect", "openIdConnectUrl": "x"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "basic": {"type": "http", "scheme": "basic"},
    "head": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "query": {"type": "apiKey", "in": "query", "name": "key"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "key"},
    "digest": {"type": "http", "scheme": "digest"},
}
CREDENTIALS = Credentials(token="T0KEN", api_key="K3Y", username="us:er", password="pä ss")


def _operation(security: Any) -> Operation:
    root = {
        "paths": {"/a": {"get": {"security": security}}},
        "components": {"securitySchemes": SCHEMES},
    }
    ((operation,), _) = parse_operations(Document("doc", root))
    return operation


def _basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("scheme", "valid", "invalid"),
    [
        (
            "oauth2",
            Presented(headers={"Authorization": "Bearer T0KEN"}),
            Presented(headers={"Authorization": "Bearer invalid-c1"}),
        ),
        (
            "oidc",
            Presented(headers={"Authorization": "Bearer T0KEN"}),
            Presented(headers={"Authorization": "Bearer invalid-c1"}),
        ),
        (
            "bearer",
            Presented(headers={"Authorization": "Bearer T0KEN"}),
            Presented(headers={"Authorization": "Bearer invalid-c1"}),
        ),
        (
            "basic",
            Presented(headers=_basic("us:er:pä ss")),
            Presented(headers=_basic("invalid:invalid-c1")),
        ),
        (
            "head",
            Presented(headers={"X-Key": "K3Y"}),
            Presented(headers={"X-Key": "invalid-c1"}),
        ),
        ("query", Presented(query={"key": "K3Y"}), Presented(query={"key": "invalid-c1"})),
        ("cookie", Presented(cookies={"key": "K3Y"}), Presented(cookies={"key": "invalid-c1"})),
        ("digest", Presented(), Presented()),
    ],
)
def test_credential_goes_where_its_scheme_says(
    scheme: str, valid: Presented, invalid: Presented
) -> None:
    operation = _operation([{scheme: []}])
    assert present(CredentialUse.VALID, operation, CREDENTIALS, "c1") == valid
    assert present(CredentialUse.INVALID, operation, CREDENTIALS, "c1") == invalid
    assert present(CredentialUse.NONE, operation, CREDENTIALS, "c1") == Presented()


def test_every_named_scheme_is_served_and_the_first_wins_a_place() -> None:
    operation = _operation([{"bearer": []}, {"basic": []}, {"query": []}])
    assert present(CredentialUse.VALID, operation, CREDENTIALS, "c1") == Presented(
        headers={"Authorization": "Bearer T0KEN"}, query={"key": "K3Y"}
    )


def test_open_operation_gets_no_credential() -> None:
    assert present(CredentialUse.VALID, _operation([]), CREDENTIALS, "c1") == Presented()


def test_secret_given_for_a_scheme_goes_before_the_general_one() -> None:
    credentials = Credentials(api_key="general", by_scheme={"head": "own"})
    operation = _operation([{"head": [], "query": []}])
    assert present(CredentialUse.VALID, operation, credentials, "c1") == Presented(
        headers={"X-Key": "own"}, query={"key": "general"}
    )


@pytest.mark.parametrize(
    ("security", "missing"),
    [
        pytest.param([], (), id="open"),
        pytest.param([{"bearer": []}], (), id="given"),
        pytest.param([{"head": []}], ("head",), id="not-given"),
        pytest.param([{"head": [], "query": []}, {"digest": []}], ("digest",), id="nearest"),
        pytest.param([{"head": []}, {"bearer": []}], (), id="one-alternative-given"),
        pytest.param([{"head": []}, {}], (), id="optional"),
    ],
)
def test_missing_schemes_are_those_of_the_nearest_alternative(
    security: Any, missing: tuple[str, ...]
) -> None:
    assert missing_schemes(_operation(security), Credentials(token="T0KEN")) == missing


def test_no_secret_is_in_any_repr() -> None:
    shown = repr(CREDENTIALS) + repr(Credentials(by_scheme={"head": "0WN"}))
    operation = _operation([{"bearer": [], "query": [], "cookie": []}])
    shown += repr(present(CredentialUse.VALID, operation, CREDENTIALS, "c1"))
    assert not any(secret in shown for secret in ("T0KEN", "K3Y", "us:er", "pä ss", "0WN"))


@pytest.mark.parametrize(
    "secret", ["", " ", "s3cret ", "s3cret\n", "s3\r\ncret", "s3crét", "s3\x00"]
)
def test_secret_that_no_header_can_carry_is_refused_and_not_repeated(secret: str) -> None:
    wrongs: list[Any] = [{"token": secret}, {"api_key": secret}, {"by_scheme": {"head": secret}}]
    for wrong in wrongs:
        with pytest.raises(UsageError, match="cannot be sent in a header") as caught:
            Credentials(**wrong)
        assert "s3" not in str(caught.value)
