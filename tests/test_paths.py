from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfectcv_traffic.paths import (
    MAX_REMEMBERED_LENGTH,
    MAX_SEGMENT_LENGTH,
    MAX_SEGMENTS,
    remembered,
    template,
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "/"),
        ("", ""),
        ("/users/123", "/users/{id}"),
        ("/users/123/posts/9", "/users/{id}/posts/{id}"),
        ("/f/6f1ed002-ab5c-4f7e-8c1b-0123456789ab", "/f/{uuid}"),
        ("/on/2026-11-21", "/on/{date}"),
        ("/c/0123456789abcdef", "/c/{hash}"),
        ("/u/a@b.example", "/u/{email}"),
        ("/api/v1/resumes", "/api/v1/resumes"),
        ("/" + "x" * 65, "/{long}"),
        ("/a/b/c/d/e/f/g/h/i/j", "/a/b/c/d/e/f/g/h/{rest}"),
    ],
)
def test_template_replaces_identifiers(path: str, expected: str) -> None:
    assert template(path) == expected


@given(st.text() | st.text("a/"))
def test_template_is_bounded(path: str) -> None:
    for written in (path, path * MAX_SEGMENT_LENGTH):
        assert len(template(written)) <= (MAX_SEGMENTS + 1) * (MAX_SEGMENT_LENGTH + 1)


@given(st.text("a@.", max_size=12) | st.text("a@.\n\u00e9 ", max_size=12))
def test_segment_with_one_at_and_a_dot_within_what_follows_is_an_address(segment: str) -> None:
    local, at, domain = segment.partition("@")
    is_address = bool(local and at) and "@" not in domain and "." in domain[1:-1]
    assert template("/" + segment) == ("/{email}" if is_address else "/" + segment)


@pytest.mark.parametrize("unit", ["@", ".", "@.", "a@", "1", "f", "2026-11-21T", "1e8d42b0-", "T1"])
def test_segment_of_a_megabyte_is_looked_through_once(unit: str) -> None:
    """Patterns that look at it again for each character would need hours here."""
    long = (unit * 1_000_000)[:1_000_000]
    assert template(f"/a@{long}@") == "/{long}"
    assert template(f"/{long}_~") == "/{long}"


def test_short_paths_are_remembered_and_long_ones_are_not() -> None:
    asked: list[int] = []
    find = remembered(lambda path: asked.append(len(path)))
    for length in (MAX_REMEMBERED_LENGTH, MAX_REMEMBERED_LENGTH + 1) * 2:
        find("/" * length)
    assert asked == [MAX_REMEMBERED_LENGTH, MAX_REMEMBERED_LENGTH + 1, MAX_REMEMBERED_LENGTH + 1]
