"""The endpoints against their own OpenAPI document, by schemathesis."""

import importlib.util
import os
from typing import Any

import hypothesis
import pytest

TOKEN = "an-admin-token-for-tests"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
EXAMPLES = 40


@pytest.fixture(name="schema")
def _schema(service: Any) -> Any:
    if importlib.util.find_spec("schemathesis") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("schemathesis is missing, and CI must have it")
        pytest.skip("schemathesis is not installed")
    import schemathesis

    document = service.client.get("/admin/openapi.json", headers=AUTHORIZED).json()
    for path in document["paths"].values():
        path["get"].pop("security")  # made-up tokens would lock the test out
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=f"{service.address}/admin")
    return schema


def test_every_endpoint_answers_as_its_document_says(schema: Any) -> None:
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_headers_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_headers_conformance,
        response_schema_conformance,
    ]
    called = set()
    for result in schema.get_all_operations():
        operation = result.ok()

        @hypothesis.settings(
            max_examples=EXAMPLES, deadline=None, database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )  # fmt: skip
        @hypothesis.seed(1)
        @hypothesis.given(case=operation.as_strategy())
        def conforms(case: Any) -> None:
            response = case.call(headers=AUTHORIZED)
            called.add((case.operation.path, response.status_code))
            case.validate_response(response, checks=checks)

        conforms()
    assert {path for path, status in called if status == 200} == set(schema.raw_schema["paths"])
