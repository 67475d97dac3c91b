from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfectcv_traffic.paths import MAX_SEGMENT_LENGTH, MAX_SEGMENTS, template


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


@given(st.text())
def test_template_is_bounded(path: str) -> None:
    assert len(template(path)) <= (MAX_SEGMENTS + 1) * (MAX_SEGMENT_LENGTH + 1) + len(
        path.partition("/")[0]
    )
