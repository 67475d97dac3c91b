"""Test traffic goes to this machine, or to a host that was named."""

from __future__ import annotations

import pytest

from perfectcv_traffic.errors import TargetError, UsageError
from perfectcv_traffic.generate.openapi import Document
from perfectcv_traffic.generate.servers import base_url
from perfectcv_traffic.generate.target import check_host, parse_address, parse_target


@pytest.mark.parametrize(
    ("address", "base"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://localhost/", "http://localhost"),
        ("https://[::1]:8443/api/", "https://[::1]:8443/api"),
        ("HTTP://LocalHost:81/API", "http://localhost:81/API"),
    ],
)
def test_target_is_read_without_trailing_slash(address: str, base: str) -> None:
    assert parse_target(address).base == base


@pytest.mark.parametrize(
    "address",
    [
        "",
        "127.0.0.1:8000",
        "ftp://127.0.0.1",
        "http://",
        "http://h:99999",
        "http://h/?a=1",
        "http://h/\n",
    ],
)
def test_address_that_is_no_base_url_is_a_usage_error(address: str) -> None:
    with pytest.raises(UsageError, match=r"^(address|target) "):
        parse_target(address)


def test_user_and_password_in_the_address_are_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="give user name and password") as caught:
        parse_target("http://user:hunter2@127.0.0.1")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1", "http://127.8.9.1", "http://[::1]:1", "http://localhost"]
)
def test_loopback_may_be_sent_to(address: str) -> None:
    check_host(parse_address(address), ())


@pytest.mark.parametrize(
    "address",
    [
        "http://192.0.2.1",
        "http://[2001:db8::1]",
        "http://0.0.0.0:8000",
    ],
)
def test_other_host_is_refused_unless_allowed_by_name(address: str) -> None:
    url = parse_address(address)
    with pytest.raises(UsageError, match=f"{url.host} is .*, not this machine"):
        check_host(url, ("example.com",))
    check_host(url, (url.host,))


def test_host_without_address_is_a_target_error() -> None:
    with pytest.raises(TargetError, match="has no address"):
        check_host(parse_address("http://nobody.invalid"), ())


@pytest.mark.parametrize(
    ("target", "servers", "paths", "base"),
    [
        pytest.param("http://h", None, ["/a"], "http://h", id="plain"),
        pytest.param("http://h", [{"url": "/v1/"}], ["/a"], "http://h/v1", id="relative"),
        pytest.param(
            "http://h", [{"url": "v1"}], ["/a"], "http://h/v1", id="relative-without-slash"
        ),
        pytest.param("http://h", [{"url": "http://h/v2"}], ["/a"], "http://h/v2", id="same-host"),
        pytest.param("http://h", [{"url": "https://evil/v2"}], ["/a"], "http://h", id="other-host"),
        pytest.param("http://h", [{"url": "//evil/v2"}], ["/a"], "http://h", id="other-authority"),
        pytest.param(
            "http://h", [{"url": "@evil/v2"}], ["/a"], "http://h/@evil/v2", id="no-authority"
        ),
        pytest.param(
            "http://h",
            [{"url": "/{v}/x", "variables": {"v": {"default": "v3"}}}],
            ["/a"],
            "http://h/v3/x",
            id="variable",
        ),
        pytest.param(
            "http://h", [{"url": "/apï/v 1"}], ["/a"], "http://h/ap%C3%AF/v%201", id="quoted"
        ),
        pytest.param("http://h/api", [{"url": "/v1"}], ["/a"], "http://h/api", id="as-said"),
        pytest.param("http://h/api", None, ["/api", "/api/b"], "http://h", id="path-included"),
        pytest.param("http://h/api", None, ["/api/a", "/apis"], "http://h/api", id="not-in-all"),
    ],
)
def test_paths_hang_under_the_base_of_the_target_itself(
    target: str, servers: list[dict[str, object]] | None, paths: list[str], base: str
) -> None:
    document = Document("doc", {"servers": servers, "paths": {path: {} for path in paths}})
    assert base_url(document, parse_target(target)) == base


def test_server_that_is_no_url_is_a_target_error() -> None:
    document = Document("doc", {"servers": [{"url": "http://[x"}]})
    with pytest.raises(TargetError, match="is not a URL"):
        base_url(document, parse_target("http://h"))
