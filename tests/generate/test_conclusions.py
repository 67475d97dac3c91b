"""What an answer shows, and what it does not: no accusation of an API that is right."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from fastapi import Body, Depends, FastAPI, HTTPException, Request
from fastapi.security import APIKeyHeader, HTTPBearer, OAuth2PasswordBearer

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.find import Probed, ProbeOptions, find
from perfectcv_traffic.generate.only import only_of
from perfectcv_traffic.generate.options import Options
from perfectcv_traffic.generate.probe.choices import RULES_OF
from perfectcv_traffic.generate.probe.findings import Verdict
from perfectcv_traffic.generate.selection import Selection
from perfectcv_traffic.render.junit import as_junit
from perfectcv_traffic.render.probed import Report
from perfectcv_traffic.rules import RULES

Serve = Callable[[Any], contextlib.AbstractContextManager[str]]
Start = Callable[[Callable[[bytes], bytes]], str]

SECRET = "one-secret-for-two-schemes"
TEXTS = {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}}
BEARER = OAuth2PasswordBearer(tokenUrl="t", auto_error=False)
HTTP = HTTPBearer(auto_error=False)
KEY = APIKeyHeader(name="X-Key", auto_error=False)
WRITING = Options(selection=Selection(allow_writes=True))


def _found(probed: Probed) -> list[tuple[str, str]]:
    return [(one.rule, one.path) for one in probed.findings]


def _answering(body: bytes, schema: Any, method: str = "get") -> Callable[[bytes], bytes]:
    responses = {"200": {"content": {"application/json": {"schema": schema}}}}
    document = {"openapi": "3.1.0", "paths": {"/a": {method: {"responses": responses}}}}

    def answer(head: bytes) -> bytes:
        content = json.dumps(document).encode() if b"openapi" in head else body
        sent = b"" if head.startswith(b"HEAD") else content
        return (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            % len(content)
        ) + sent

    return answer


@pytest.mark.parametrize(
    "body",
    [json.dumps([{"a": "x" * 100}] * 15_000).encode(), b"[NaN]", b"[{", b""],
    ids=["beyond a megabyte", "no JSON", "cut", "empty"],
)
def test_answer_that_cannot_be_read_holds_no_null(start: Start, body: bytes) -> None:
    probed = find(start(_answering(body, TEXTS)), probes=ProbeOptions(suites=("answers",)))

    assert _found(probed) == []
    (check,) = probed.checks
    assert (check.rule, check.verdict) == ("PT203", Verdict.INCONCLUSIVE)


def test_null_as_a_whole_answer_is_a_null(start: Start) -> None:
    probed = find(start(_answering(b" null\n", TEXTS)), probes=ProbeOptions(suites=("answers",)))

    assert [(one.rule, one.pointer) for one in probed.findings] == [("PT203", "/response")]


def test_answer_to_head_has_no_body_to_judge(start: Start) -> None:
    options = Options(selection=Selection(methods=("HEAD",)))
    probes = ProbeOptions(suites=("answers",))

    assert _found(find(start(_answering(b"[]", TEXTS, "head")), options, probes)) == []


@pytest.mark.parametrize(
    ("media_type", "found"),
    [
        ("application/vnd.api+json", [("PT202", "/a")]),
        ("application/json; charset=utf-8", [("PT202", "/a")]),
        ("text/plain", []),
        ("application/octet-stream", []),
        ("application/x-ndjson", []),
    ],
)
def test_null_in_a_body_that_is_no_json_is_a_text(
    serve: Serve, media_type: str, found: list[tuple[str, str]]
) -> None:
    app, content = FastAPI(), {media_type: {"schema": {"type": "string"}}}

    @app.post("/a", openapi_extra={"requestBody": {"required": True, "content": content}})
    async def count(request: Request) -> int:
        return len(await request.body())

    with serve(app) as url:
        assert _found(find(url, WRITING)) == found


def two_schemes() -> FastAPI:
    """Takes one secret as a bearer token and as a key, as its document says."""
    app = FastAPI()

    def check(token: Annotated[Any, Depends(HTTP)], sent: Annotated[Any, Depends(KEY)]) -> None:
        if SECRET not in (sent, token and token.credentials):
            raise HTTPException(401)

    @app.get("/a", dependencies=[Depends(check)])
    def read() -> None: ...

    @app.delete("/a/{number}", dependencies=[Depends(check)])
    def remove(number: int) -> None: ...

    return app


def test_secret_that_is_right_under_both_schemes_is_not_wrong_under_either(serve: Serve) -> None:
    options = Options(selection=Selection(allow_deletes=True))
    with serve(two_schemes()) as url:
        probed = find(url, options, credentials=Credentials(token=SECRET, api_key=SECRET))

    assert _found(probed) == []


def unique_names(*, checks_first: bool, checks: bool = True) -> FastAPI:
    """Creates what must be unique, and asks who is calling before or after it looks."""
    app, names = FastAPI(), set[str]()

    @app.post("/tags", status_code=201)
    def create(
        name: Annotated[str, Body(embed=True)], token: Annotated[str | None, Depends(BEARER)]
    ) -> dict[str, str]:
        is_wrong = checks and token != SECRET
        if is_wrong and checks_first:
            raise HTTPException(401)
        if name in names:
            raise HTTPException(409)
        if is_wrong:
            raise HTTPException(401)
        names.add(name)
        return {"id": name}

    return app


@pytest.mark.parametrize(
    ("app", "rules"),
    [
        (unique_names(checks_first=True), []),
        (unique_names(checks_first=False), ["PT106"]),
        (unique_names(checks_first=False, checks=False), ["PT101"]),
    ],
    ids=["right", "too late", "never"],
)
def test_conflict_before_the_check_is_told_from_a_missing_check(
    serve: Serve, app: FastAPI, rules: list[str]
) -> None:
    with serve(app) as url:
        probes = ProbeOptions(suites=("auth",))
        probed = find(url, WRITING, probes, credentials=Credentials(token=SECRET))

    assert sorted({one.rule for one in probed.findings}) == rules


def test_every_rule_belongs_to_one_suite() -> None:
    assert sorted(rule for rules in RULES_OF.values() for rule in rules) == sorted(
        one.id for one in RULES
    )


def test_rule_that_is_not_looked_for_has_no_verdict(api: str, credentials: Credentials) -> None:
    probes = ProbeOptions(only=only_of(["PT101"], None))
    probed = find(api, WRITING, probes, credentials=credentials)

    assert {one.rule for one in probed.checks} == {"PT101"}
    assert not any(one.scenario.startswith("null") for one in probed.outcomes)
    told = as_junit(Report(probed=probed, findings=probed.findings))
    assert "accepted" not in told
    assert told.count("<failure") == len(probed.findings) == 1


def test_rules_of_no_chosen_suite_are_refused() -> None:
    with pytest.raises(UsageError, match="--only PT101: no suite"):
        ProbeOptions(suites=("null",), only=only_of(["PT101"], None))
