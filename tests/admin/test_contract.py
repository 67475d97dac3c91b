"""The endpoints against their own OpenAPI document, by schemathesis."""

from collections import Counter
from typing import Any

import hypothesis
import pytest

TOKEN = "an-admin-token-for-tests"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
EXAMPLES = 40


@pytest.fixture(name="asked")
def _asked(serve: Any, need: Any) -> Any:
    """A service with every endpoint that there is."""
    need("schemathesis")
    service = serve(admin_metrics=True)
    service.client.get("/items/1?filter=null")
    service.client.post("/auth/uuid", json={"uuid": "good-1"})
    service.ingest()
    return service


@pytest.fixture(name="schema")
def _schema(asked: Any) -> Any:
    import schemathesis

    document = asked.client.get("/admin/openapi.json", headers=AUTHORIZED).json()
    for path in document["paths"].values():
        path["get"].pop("security")  # made-up tokens would lock the test out
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=f"{asked.address}/admin")
    return schema


@pytest.fixture(name="checks")
def _checks(need: Any) -> list[Any]:
    need("schemathesis")
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_headers_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    return [
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_headers_conformance,
        response_schema_conformance,
    ]


@pytest.mark.parametrize("valid", [True, False])
def test_every_endpoint_answers_as_its_document_says(
    schema: Any, checks: list[Any], valid: bool
) -> None:
    from schemathesis.generation import GenerationMode

    mode = GenerationMode.POSITIVE if valid else GenerationMode.NEGATIVE
    called: Counter[tuple[str, int]] = Counter()
    for result in schema.get_all_operations():
        operation = result.ok()
        if not (valid or operation.query):
            continue  # nothing that could be sent wrong

        @hypothesis.settings(
            max_examples=EXAMPLES, deadline=None, database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )  # fmt: skip
        @hypothesis.seed(1)
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        def conforms(case: Any) -> None:
            response = case.call(headers=AUTHORIZED)
            called[case.operation.path, response.status_code] += 1
            case.validate_response(response, checks=checks)

        conforms()
    answered = {path for path, status in called if status == (200 if valid else 422)}
    assert answered == set(schema.raw_schema["paths"]) - (set() if valid else {"/metrics"})


def test_refusals_are_as_the_document_says(schema: Any, checks: list[Any]) -> None:
    wrong = {"X-Admin-Token": "wrong"}
    seen = []
    for headers in ({}, wrong, wrong):  # the second time there were too many
        for result in schema.get_all_operations():
            case = result.ok().Case()
            response = case.call(headers=headers)
            case.validate_response(response, checks=checks)
            seen.append(response.status_code)

    assert set(seen) == {401, 403, 429}
