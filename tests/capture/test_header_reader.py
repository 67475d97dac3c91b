"""Header lists and queries that repeat are read once; nothing secret is remembered."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfectcv_traffic.capture.header_reader import MAX_LISTS, MAX_VALUES, HeaderReader
from perfectcv_traffic.capture.query import QueryReader
from perfectcv_traffic.redaction import Redactor

SECRET = b"S3CRETs3cret99"
REDACTOR = Redactor()
BLANK = frozenset({"x-forwarded-for"}).__contains__

NAMES = (
    b"host", b"Host", b"user-agent", b"content-length", b"authorization", b"X-Api-Key", b"cookie",
    b"set-cookie", b"referer", b"x-forwarded-for", b"traceparent", b"x-ratelimit-limit",
    b"X-Traffic-Run", b"x-token", b"x-custom", b"content-type", b"Content-Encoding",
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from([b"", b"a", b"bench/1", b"\xff", b"x" * 5000, b"a=1; b=2"]),
    st.sampled_from([b"Bearer " + SECRET, b"https://h/p?token=" + SECRET, b"pin=" + SECRET]),
    st.integers(0, 3 * MAX_VALUES).map(lambda number: b"%d" % number),
)
LISTS = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=6)

NOTED = frozenset({"x-api-key", "cookie"})
REDACTORS = (REDACTOR, Redactor(["host", "content-type", "user-agent"]))
REMEMBERING = [HeaderReader(redactor, BLANK, NOTED) for redactor in REDACTORS]


@settings(max_examples=400, deadline=None)
@given(LISTS, st.sampled_from([0, 1]))
def test_list_read_before_is_read_as_the_first_time(
    raw: list[tuple[bytes, bytes]], which: int
) -> None:
    fresh = HeaderReader(REDACTORS[which], BLANK, NOTED).read(raw)
    for _ in range(2):
        found = REMEMBERING[which].read(raw)
        assert list(found.kept.items()) == list(fresh.kept.items())
        assert (found.places, found.facts) == (fresh.places, fresh.facts)
        assert found.has_noted == any(name.decode().lower() in NOTED for name, _ in raw)
        sent = {name.decode().lower(): value.decode("latin-1") for name, value in reversed(raw)}
        assert found.facts.host == sent.get("host", "")
        assert found.facts.content_type == sent.get("content-type", "")
        assert found.facts.encoding == sent.get("content-encoding", "").strip().lower()
    assert SECRET.decode() not in repr(vars(REMEMBERING[which]))


def test_secret_of_the_same_place_is_never_that_of_another_request() -> None:
    reader = HeaderReader(REDACTOR)
    for number in range(3):
        found = reader.read([(b"host", b"h"), (b"cookie", b"name%d=%b" % (number, SECRET))])
        assert found.kept == {"host": "h", "cookie": f"name{number}=[REDACTED]"}


def test_header_with_many_values_is_read_each_time() -> None:
    reader = HeaderReader(REDACTOR)
    for number in range(3 * MAX_VALUES):
        found = reader.read([(b"host", b"h"), (b"user-agent", b"client/%d" % number)])
        assert found.kept == {"host": "h", "user-agent": f"client/{number}"}
        assert found.facts.user_agent == f"client/{number}"
    assert len(reader._known) == 1


def test_memory_is_bounded_whatever_clients_send() -> None:
    reader = HeaderReader(REDACTOR)
    for number in range(3 * MAX_LISTS):
        name = b"x-%d" % (number % (MAX_LISTS + 100))
        assert reader.read([(name, b"%d" % number)]).kept == {name.decode(): str(number)}
    assert len(reader._known) <= MAX_LISTS


BYTEARRAYS = [(bytearray(b"host"), bytearray(b"h"))]


@pytest.mark.parametrize("raw", [[["host", "h"]], [("host", "h")], [[b"host", b"h"]], BYTEARRAYS])
def test_odd_lists_are_read_too(raw: Any) -> None:
    reader = HeaderReader(REDACTOR)
    for _ in range(2):
        assert reader.read(raw).kept == {"host": "h"}


def test_query_with_a_secret_is_not_remembered() -> None:
    reader = QueryReader(REDACTOR)
    for query in (b"a=1&b=", b"token=" + SECRET, b"a=https%3A%2F%2Fu%3A" + SECRET + b"%40h%2F"):
        assert reader.read(query) == reader.read(query) == QueryReader(REDACTOR).read(query)
    assert reader.read(b"a=1&b=").nulls[0].field_name == "b"
    assert SECRET.decode() not in repr(vars(reader))
