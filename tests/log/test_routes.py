"""Routes for logs that carry none: from an OpenAPI document, from patterns, and how many."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfectcv_traffic.errors import StorageError, UsageError
from perfectcv_traffic.log import routes
from perfectcv_traffic.log.routes import by_groups, by_templates, of_openapi
from perfectcv_traffic.sources.openapi import document

TEMPLATES = ["/users/{id}", "/users/me", "/files/{name:path}", "/users/{id}/posts/{post}", "/a.b"]


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/users/7", "/users/{id}"),
        ("/users/me", "/users/me"),
        ("/users/7/posts/9", "/users/{id}/posts/{post}"),
        ("/files/a/b/c.txt", "/files/{name:path}"),
        ("/users/", None),
        ("/users/7/", None),
        ("/aXb", None),
        ("/x\ny", None),
    ],
)
def test_path_finds_the_template_that_says_most_of_it(path: str, route: str | None) -> None:
    assert by_templates(TEMPLATES)(path) == route


def test_document_gives_its_templates_below_each_server() -> None:
    document = {
        "servers": [{"url": "https://api.example/v1/"}, {"url": "/v2"}],
        "paths": {"/users/{id}": {}},
    }
    assert of_openapi(document) == ["/v1/users/{id}", "/v2/users/{id}"]
    assert of_openapi({"paths": {"/a": {}}}) == ["/a"]


def test_groups_of_a_pattern_become_parameters() -> None:
    find = by_groups([r"^/shop/(?P<item>[^/]+)/(\d+)$", r"^/old/(.*)"])
    assert find("/shop/blue-shoes/42") == "/shop/{item}/{2}"
    assert find("/old/a/b") == "/old/{1}"
    assert find("/new") is None


def test_pattern_makes_no_more_than_so_many_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "MAX_GROUPS", 2)
    find = by_groups([r"^/[^/]+/(\d+)$"])
    found = [find(f"/{name}/1") for name in ("a", "b", "c")]
    assert found == ["/a/{1}", "/b/{1}", None]
    assert find("/a/2") == "/a/{1}"


@pytest.mark.parametrize("pattern", ["(", "/users/"])
def test_pattern_that_cannot_be_used_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError, match="--group="):
        by_groups([pattern])


def test_document_that_is_not_there_is_said_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"absent\.json cannot be read"):
        document(str(tmp_path / "absent.json"))
