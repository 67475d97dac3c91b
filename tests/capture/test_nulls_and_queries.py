"""Null detection and query strings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Response
from hypothesis import given, settings
from hypothesis import strategies as st

from perfectcv_traffic.capture.quick_json import MAX_SHAPES, QuickScanner
from perfectcv_traffic.json_scan import scan
from perfectcv_traffic.nulls import NAME_LIMIT
from perfectcv_traffic.redaction import Redactor

Talk = Callable[..., Any]
Setup = Callable[..., Any]
Record = Callable[[Any], dict[str, Any]]

QUERY_SECRETS = ("?token=S3CRET", "?api_key=S3CRET", "?a=1&access_token=S3CRET&b=2")


@pytest.fixture
def answered(monitor: Setup, talk: Talk, record: Record) -> Callable[..., dict[str, Any]]:
    """The record of an answer with this body."""

    def of(body: str | bytes, media_type: str = "application/json") -> dict[str, Any]:
        watching = monitor(Response(body, media_type=media_type))
        talk(watching.app)
        return record(watching)

    return of


@pytest.fixture
def asked(monitor: Setup, talk: Talk, record: Record) -> Callable[..., dict[str, Any]]:
    """The record of a GET with this query."""

    def of(query: str, path: str = "/") -> dict[str, Any]:
        watching = monitor(Response("{}"))
        talk(watching.app, path=f"{path}?{query}")
        return record(watching)

    return of


def paths(row: dict[str, Any], direction: str = "response") -> list[str]:
    return [null["field_path"] for null in row[f"null_{direction}_details"]]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"a":null,"b":{"c":null},"l":[1,null,{"x":null}]}', ["a", "b.c", "l[1]", "l[2].x"]),
        ("null", ["$"]),
        ('{"a.b":null,"":null,"q\\"":null}', ['["a.b"]', '[""]', '["q\\""]']),
        ('{"a":"null","null":1,"b":"x null y","c":"\\"d\\":null"}', []),
        ('{"a":1,"a":null}', ["a"]),
        ('{"data":{"team":{"players":[{"name":null}]}}}', ["data.team.players[0].name"]),
        ("", []),
        ("0", []),
        ('{"password":{"hunter2":null}}', ["password"]),
    ],
    ids=["d1", "d2", "d3", "d4", "d8", "design", "d20", "d20-number", "inside-a-secret"],
)
def test_nulls_in_json(answered: Any, body: str, expected: list[str]) -> None:
    row = answered(body)
    assert paths(row) == expected
    assert row["null_response_count"] == len(expected)


def test_d5_depth_of_ten_thousand_is_searched(answered: Any) -> None:
    row = answered('{"a":' * 10_000 + "null" + "}" * 10_000)
    assert row["null_response_count"] == 1
    assert paths(row) == [".".join(["a"] * 64) + "…"]
    assert row["response_body_note"] == "cut"


LONG = "k" * 20_000


@pytest.mark.parametrize(
    "body",
    [
        '{"' + LONG + '":{' + ",".join(f'"n{i}":null' for i in range(150)) + "}}",
        '{"' + LONG + '":[' + ",".join(["null"] * 150) + "]}",
        '{"a":{"' + LONG.replace("k", "\\u0001") + '":[null]}}',
        '{"' + '":{"'.join(LONG[:150] for _ in range(20)) + '":null' + "}" * 20,
    ],
    ids=["names", "positions", "escapes", "depth"],
)
def test_names_as_long_as_a_body_are_told_shortened(answered: Any, log: Path, body: str) -> None:
    row = answered(body)
    assert row["null_response_count"] >= 1
    for null in row["null_response_details"]:
        assert len(null["field_name"]) <= NAME_LIMIT + 1
        assert len(null["field_path"]) <= NAME_LIMIT + 1
        assert "…" in null["field_path"]
    assert len(log.read_bytes()) < 100_000


def test_name_above_many_nulls_is_judged_a_few_times() -> None:
    judged: list[str] = []
    is_secret = Redactor().is_secret

    def judge(name: str) -> bool:
        judged.append(name)
        return is_secret(name)

    found = QuickScanner(judge, 100, str).scan(f'{{"{LONG}":[{",".join(["null"] * 999)}]}}')

    assert found is not None
    assert (len(found.nulls), found.null_count) == (100, 999)
    assert len(judged) < 5


def test_names_of_a_query_are_told_shortened(asked: Any, log: Path) -> None:
    row = asked("&".join([f"{LONG}="] * 3))
    (first, *_) = row["null_params_details"]
    assert (first["field_name"], first["field_path"]) == (
        LONG[:NAME_LIMIT] + "…", LONG[:NAME_LIMIT] + "…[0]",
    )  # fmt: skip


def test_secret_number_beyond_what_python_reads_is_blanked(answered: Any) -> None:
    row = answered('{"pin": ' + "1" * 5000 + ', "x": null}')
    assert row["response_body"] == '{"pin": "[REDACTED]", "x": null}'
    assert row["null_response_count"] == 1


def test_d6_a_million_nulls_are_counted_and_a_hundred_told(answered: Any) -> None:
    row = answered("[" + ",".join(["null"] * 200_000) + "]")
    assert (row["null_response_count"], len(row["null_response_details"])) == (200_000, 100)
    assert row["nulls_partial"] is False


def test_d7_wide_object_without_nulls(answered: Any) -> None:
    row = answered(json.dumps({f"key{number}": number for number in range(50_000)}))
    assert (row["null_response_count"], row["response_body_note"]) == (0, "cut")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("player=", [("player", "empty")]),
        ("team=null", [("team", "null_text")]),
        ("a=NULL&b=None&c=undefined&d=nil&e=%6eull", [(name, "null_text") for name in "abcde"]),
        ("flag", [("flag", "empty")]),
        ("a=1&a=&a=2", [("a[1]", "empty")]),
        ("a=+&b=%20&c=%00&d=%ff&e=x;y&&=x", []),
        ("a=nullable&b=nonetheless", []),
    ],
    ids=["d9", "d10", "d10-words", "d11", "d12", "d13", "not-null"],
)
def test_nulls_in_queries(asked: Any, query: str, expected: list[tuple[str, str]]) -> None:
    row = asked(query)
    found = [(null["field_path"], null["kind"]) for null in row["null_params_details"]]
    assert found == expected
    assert row["query_params"] == query


def test_d14_fifty_thousand_parameters_are_bounded_and_said_to_be(asked: Any) -> None:
    row = asked("&".join(["a="] * 50_000))
    assert row["null_params_count"] == 1000
    assert row["nulls_partial"] is True


@pytest.mark.parametrize("query", QUERY_SECRETS)
def test_d15_tokens_in_queries_and_referers_are_redacted(
    monitor: Setup, talk: Talk, record: Record, log: Any, query: str
) -> None:
    watching = monitor(Response("{}"))
    headers = [(b"referer", f"https://x.example/p{query}".encode())]
    talk(watching.app, path=f"/{query}", headers=headers)
    row = record(watching)
    clean = query.replace("S3CRET", "[REDACTED]")
    assert row["url"] == f"http://api.example/{clean}"
    assert row["query_params"] == clean[1:]
    assert row["request_headers"]["referer"] == f"https://x.example/p{clean}"
    assert b"S3CRET" not in log.read_bytes()


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        ('{"a":null}\n{"password":"hunter2"}\n', "application/x-ndjson"),
        ('data: {"a":null,"password":["hunter2"]}\n\n', "text/event-stream"),
        ("<a>null</a> password: hunter2", "text/html"),
        ('<a password="hunter2">null</a>', "application/atom+xml"),
    ],
    ids=["d17-lines", "d17-events", "d18-html", "d18-xml"],
)
def test_d17_d18_other_text_is_not_searched_for_nulls_but_redacted(
    answered: Any, log: Any, body: str, media_type: str
) -> None:
    row = answered(body, media_type)
    assert row["null_response_count"] == 0
    assert "null" in row["response_body"]
    assert b"hunter2" not in log.read_bytes()


def test_d19_null_as_path_parameter(monitor: Setup, talk: Talk, record: Record) -> None:
    app = FastAPI()
    app.add_api_route("/users/{user_id}", lambda user_id: user_id)
    watching = monitor(app)
    talk(app, path="/users/null")
    (null,) = record(watching)["null_params_details"]
    assert (null["location"], null["field_path"]) == ("path", "user_id")


def test_scan_of_a_cut_body_tells_what_it_saw() -> None:
    result = scan('{"a":null,"b":[null,', lambda _: False, 10)
    assert (result.null_count, result.complete) == (2, False)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("pin=12345"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b.c", "", "password", "pin", "n u"]), inner)
    ),
    max_leaves=20,
)


REDACTOR = Redactor()
QUICK = QuickScanner(REDACTOR.is_secret, 5, REDACTOR.text)


@settings(max_examples=300, deadline=None)
@given(JSON_VALUES, st.sampled_from([None, 1]), st.booleans())
def test_quick_scan_answers_as_the_exact_one(value: Any, indent: int | None, ascii_: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_)
    exact = scan(text, REDACTOR.is_secret, 5)
    for scanner in (QUICK, QuickScanner(REDACTOR.is_secret, 5, REDACTOR.text)):  # and a new one
        quick = scanner.scan(text)
        if quick is None:
            assert "\\" in text
            return
        assert (quick.nulls, quick.null_count) == (exact.nulls, exact.null_count)
        assert json.loads(REDACTOR.text(quick.text)) == json.loads(REDACTOR.text(exact.text))


def _with_other_values(value: Any, others: Iterator[Any]) -> Any:
    """A value of the same structure."""
    if isinstance(value, dict):
        return {name: _with_other_values(inner, others) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_other_values(inner, others) for inner in value]
    return next(others)


SCALARS = ("x", "pin", "a:b", "pin=12345", "", "null", None, 0, -1.5e300, True, False)


@settings(max_examples=300, deadline=None)
@given(JSON_VALUES, st.randoms(use_true_random=False))
def test_quick_scan_of_like_structures_answers_as_the_exact_one(value: Any, chance: Any) -> None:
    scanner = QuickScanner(REDACTOR.is_secret, 5, REDACTOR.text)
    others = iter(lambda: chance.choice(SCALARS), object())
    for _ in range(6):
        text = json.dumps(_with_other_values(value, others))
        quick, exact = scanner.scan(text), scan(text, REDACTOR.is_secret, 5)
        assert quick is None or quick._replace(text="") == exact._replace(text="")
        if quick is not None:
            assert json.loads(REDACTOR.text(quick.text)) == json.loads(REDACTOR.text(exact.text))


@pytest.mark.parametrize(
    "bodies",
    [
        ('{"a":null,"b":"x"}', '{"a":"null","b":null}', '{"a":1,"b":null}', '{"a":true,"b":null}'),
        ('["x",null]', '[null,"x"]', "[1,null,null]", "[[1],null]", "[1,[null]]", "[null]", "null"),
        ('{"a":{"b":null}}', '{"a":{},"b":null}', '{"a":[{"b":null}]}', '{"a":null,"b":{}}'),
        ('{"a":[],"b":[null]}', '{"a":[null],"b":[]}', '{"a":["",""],"b":[-1.5e3,null]}'),
        ('{"pin":null,"b":null}', '{"pin":{"b":null}}', '{"pin":{},"b":null}'),
        ('{"x-password: abc":"hunter2","b":null}', '{"pin":["pin","hunter2",{"pin":"hunter2"}]}'),
        ('{"b":"pin","pin":"hunter2","c":["pin"]}', '{"pin" : "hunter2" , "a":"pin=hunter2"}'),
    ],
)
def test_bodies_of_like_shapes_are_not_mixed_up(bodies: tuple[str, ...]) -> None:
    for text in bodies * 2:
        quick, exact = QUICK.scan(text), scan(text, REDACTOR.is_secret, 5)
        assert quick is not None
        assert (quick.nulls, quick.null_count) == (exact.nulls, exact.null_count)
        assert REDACTOR.text(quick.text) == REDACTOR.text(exact.text)
        assert "hunter2" not in quick.text


def test_shapes_beyond_the_limit_are_read_all_the_same() -> None:
    scanner = QuickScanner(REDACTOR.is_secret, 5, REDACTOR.text)
    for number in range(2 * MAX_SHAPES):
        found = scanner.scan(f'{{"n{number}":null}}')
        assert found is not None
        assert found.nulls[0].field_path == f"n{number}"
