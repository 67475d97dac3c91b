"""Whatever a document says, requests stay within the target and within what HTTP allows."""

from __future__ import annotations

import contextlib
from itertools import islice
from typing import Any

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from perfectcv_traffic.errors import TargetError
from perfectcv_traffic.generate.credential_variants import present
from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.encoding import WireRequest, encode
from perfectcv_traffic.generate.ids import IdPool
from perfectcv_traffic.generate.marks import marks
from perfectcv_traffic.generate.openapi import Document
from perfectcv_traffic.generate.operations import parse_operations
from perfectcv_traffic.generate.plan import Planned, draftable, pair_up, plan_requests
from perfectcv_traffic.generate.producers import Producers
from perfectcv_traffic.generate.scenarios import SCENARIOS

CREDENTIALS = Credentials(token="T0KEN", api_key="K3Y")

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
SCHEMA = st.one_of(
    JSON.map(lambda value: {"example": value}),
    st.sampled_from([{"type": name} for name in ("object", "array", "string", "integer")]),
    JSON,
)
PARAMETER = st.fixed_dictionaries(
    {
        "name": TEXT | st.sampled_from(["id", "Host", "X-Request-ID", "X-Key", "a\r\nb"]),
        "in": st.sampled_from(["path", "query", "header", "cookie"]),
        "schema": SCHEMA,
    },
    optional={"style": TEXT | st.just("deepObject"), "explode": JSON, "required": st.booleans()},
)
MEDIA_TYPE = TEXT | st.sampled_from(
    [
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/plain",
        "a/b\r\nX: y",
    ]
)
BODY = st.dictionaries(MEDIA_TYPE, SCHEMA.map(lambda schema: {"schema": schema}), max_size=2)
OPERATION = st.fixed_dictionaries(
    {},
    optional={
        "parameters": st.lists(PARAMETER, max_size=4),
        "requestBody": BODY.map(lambda content: {"content": content, "required": True}),
        "security": st.lists(st.dictionaries(st.sampled_from(["key", "other"]), st.just([]))),
    },
)
PATH = st.lists(
    TEXT | st.sampled_from(["/", "{id}", "..", "@evil.example", "?", "#", "%2e", "//evil"]),
    max_size=5,
).map(lambda parts: "/" + "".join(parts))
PATHS = st.dictionaries(
    PATH, st.dictionaries(st.sampled_from(["get", "post", "delete"]), OPERATION), max_size=3
)
SCHEMES = {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}


def _encoded(planned: Planned, ids: IdPool) -> WireRequest:
    operation = planned.draft.operation
    return encode(
        planned.draft,
        base="http://127.0.0.1:8000",
        ids=ids.bind(operation, planned.number),
        presented=present(planned.scenario.credential, operation, CREDENTIALS, "c"),
        marks=marks("run", planned.number, planned.scenario.name),
    )


@given(paths=PATHS)
@settings(deadline=None)
def test_any_document_is_asked_at_the_target_only(paths: Any) -> None:
    document = Document("doc", {"paths": paths, "components": {"securitySchemes": SCHEMES}})
    with contextlib.suppress(TargetError):
        operations, _ = parse_operations(document)
        pairs, _ = pair_up(draftable(document, operations)[0], SCENARIOS, CREDENTIALS)
        producers = Producers(operations)
        for planned in islice(plan_requests(document, pairs, producers, 0), 40):
            request = _encoded(planned, IdPool(producers))
            url = httpx.URL(request.url)
            assert (url.scheme, url.host, url.port) == ("http", "127.0.0.1", 8000)
            assert url.userinfo == b""
            assert all(
                "\n" not in value and "\r" not in value for value in request.headers.values()
            )
            named = [name.lower() for name in request.headers]
            assert named.count("x-request-id") == 1
            assert "host" not in named
            if planned.scenario.name == "no_token":
                assert "x-key" not in named
