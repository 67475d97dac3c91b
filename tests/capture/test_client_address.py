"""Client address and URL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Response

from perfectcv_traffic.capture.client_address import anonymised, install_key
from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.proxies import MAX_ADDRESS, TrustedProxies

Talk = Callable[..., Any]
Setup = Callable[..., Any]
Record = Callable[[Any], dict[str, Any]]

XFF, FORWARDED = "x-forwarded-for", "forwarded"


@pytest.mark.parametrize(
    ("trusted", "peer", "headers", "expected"),
    [
        ((), "198.51.100.7", [(XFF, "1.2.3.4")], "198.51.100.7"),
        (("10.0.0.0/8",), "10.0.0.1", [(XFF, "9.9.9.9, 198.51.100.7, 10.0.0.2")], "198.51.100.7"),
        (("10.0.0.1",), "10.0.0.1", [(XFF, "1.1.1.1"), (XFF, "2.2.2.2")], "2.2.2.2"),
        (
            ("10.0.0.1",),
            "10.0.0.1",
            [(FORWARDED, 'for="[2001:db8::1]:4711";proto=https')],
            "2001:db8::1",
        ),
        (("10.0.0.1",), "10.0.0.1", [(FORWARDED, "for=_hidden")], None),
        (("10.0.0.1",), "10.0.0.1", [(XFF, "unknown")], None),
        (("10.0.0.1",), "10.0.0.1", [(XFF, "<script>")], None),
        (("10.0.0.1",), "10.0.0.1", [(XFF, "1" * MAX_ADDRESS + "1")], None),
        (("10.0.0.1",), "10.0.0.1", [(XFF, "a" * MAX_ADDRESS + "a")], None),
        (("10.0.0.1",), "10.0.0.1", [], "10.0.0.1"),
        ((), "::ffff:10.0.0.1", [], "10.0.0.1"),
        ((), "fe80::1%eth0", [], "fe80::1"),
        ((), "2001:DB8::0:1", [], "2001:db8::1"),
        ((), None, [(XFF, "1.2.3.4")], None),
        (("unix",), None, [(XFF, "1.2.3.4")], "1.2.3.4"),
        ((), "testclient", [], "testclient"),
        (("*",), "198.51.100.7", [(XFF, "1.2.3.4, 5.6.7.8")], "1.2.3.4"),
        (("2001:db8::/32",), "2001:db8::5", [(XFF, "1.2.3.4:5555")], "1.2.3.4"),
    ],
    ids=[
        "f1", "f2", "f4", "f5", "f5-hidden", "f5-unknown", "f6-garbage", "f6-digits",
        "f6-long", "f2-none", "f6-mapped",
        "f6-zone", "f6-ipv6", "f7", "f7-trusted", "f8", "f9-everyone", "f9-cidr",
    ],
)  # fmt: skip
def test_client_address(
    trusted: tuple[str, ...],
    peer: str | None,
    headers: list[tuple[str, str]],
    expected: str | None,
) -> None:
    assert TrustedProxies(trusted).client_ip(peer, headers) == expected


def test_f3_address_that_the_server_put_right_is_taken_once(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    watching = monitor(Response(""))
    talk(watching.app, client=("198.51.100.7", 0), headers=[(XFF.encode(), b"198.51.100.7")])
    assert record(watching)["client_ip"] == "198.51.100.7"


def test_f9_trusting_everyone_is_warned_of(caplog: Any) -> None:
    TrustedProxies(["*"])
    assert "any client can claim any address" in caplog.text


def test_f9_unusable_proxy_is_refused_at_set_up(monitor: Setup) -> None:
    with pytest.raises(UsageError, match="is no address or CIDR block"):
        monitor(FastAPI(), trusted_proxies=("proxy.example",))


@pytest.mark.parametrize(
    ("mode", "address", "expected"),
    [
        ("full", "198.51.100.7", "198.51.100.7"),
        ("masked", "198.51.100.7", "198.51.0.0"),
        ("masked", "2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("masked", "testclient", None),
        ("none", "198.51.100.7", None),
        ("hashed", "198.51.100.7", "bb2f21a9c0c8b74f"),
        ("hashed", None, None),
    ],
)
def test_anonymised_address(mode: str, address: str | None, expected: str | None) -> None:
    shown = anonymised(address, mode, b"key")
    if mode == "hashed" and address:
        assert shown is not None
        assert len(shown) == 16
        assert shown == anonymised(address, mode, b"key")
        assert shown != anonymised(address, mode, b"another key")
    else:
        assert shown == expected


@pytest.mark.parametrize("mode", ["masked", "hashed", "none"])
def test_anonymised_address_is_in_no_header_either(
    monitor: Setup, talk: Talk, record: Record, log: Path, mode: str
) -> None:
    watching = monitor(Response(""), client_ip=mode, trusted_proxies=["203.0.113.9"])
    names = [b"x-forwarded-for", b"x-real-ip", b"cf-connecting-ip", b"forwarded"]
    headers = [(name, b"198.51.100.7") for name in names]
    talk(watching.app, headers=headers)
    record(watching)
    assert b"198.51.100.7" not in log.read_bytes()


def test_hashing_key_is_made_once_and_private(tmp_path: Path) -> None:
    key = install_key(tmp_path / "log.key")
    assert install_key(tmp_path / "log.key") == key
    assert len(key) == 32
    assert (tmp_path / "log.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["log.key"]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"root_path": "/pre", "path": "/pre/api"}, "http://api.example/pre/api"),
        ({"root_path": "/pre", "path": "/api"}, "http://api.example/pre/api"),
        ({"path": "/a", "headers": []}, "http://127.0.0.1:8000/a"),
        ({"path": "/a", "headers": [], "server": None}, "http://localhost/a"),
        ({"path": "/a", "headers": [(b"host", b'a b"')]}, "http://127.0.0.1:8000/a"),
        ({"path": "//double//slash"}, "http://api.example//double//slash"),
        ({"path": "/a/b", "raw_path": b"/a%2Fb"}, "http://api.example/a%2Fb"),
        ({"path": "/../x", "raw_path": b"/%2e%2e/x"}, "http://api.example/%2e%2e/x"),
        ({"path": "/\ufffd", "raw_path": b"/%ff"}, "http://api.example/%ff"),
        ({"path": "/ü x", "raw_path": None}, "http://api.example/%C3%BC%20x"),
        ({"path": "/a", "scheme": "https"}, "https://api.example/a"),
    ],
    ids=[
        "f10", "f10-outside", "f11-missing", "f11-unix", "f11-hostile", "f12-slashes", "f12-2f",
        "f12-dots", "f12-bytes", "f12-no-raw-path", "scheme",
    ],
)  # fmt: skip
def test_url(monitor: Setup, record: Record, scope: dict[str, Any], expected: str) -> None:
    import asyncio

    watching = monitor(Response(""))
    path = scope["path"]
    full = {
        "type": "http", "method": "GET", "scheme": "http", "query_string": b"",
        "raw_path": path.encode(), "headers": [(b"host", b"api.example")],
        "server": ("127.0.0.1", 8000), **scope,
    }  # fmt: skip

    async def send(message: Any) -> None: ...

    asyncio.run(watching.app(full, object(), send))
    row = record(watching)
    assert row["url"] == expected
    assert row["path"] == path


@pytest.mark.parametrize("version", ["1.0", "1.1", "2", "3"])
def test_f13_http_version(monitor: Setup, talk: Talk, record: Record, version: str) -> None:
    watching = monitor(Response(""))
    talk(watching.app, http_version=version)
    assert record(watching)["http_version"] == version


@pytest.mark.parametrize(
    "name",
    ["fly-client-ip", "x-envoy-external-address", "x-azure-clientip", "do-connecting-ip",
     "x-vercel-forwarded-for", "x-forwarded", "cf-connecting-ipv6", "x-appengine-user-ip",
     "x-original-forwarded-for", "x-forwarded-for", "x-real-ip", "true-client-ip", "forwarded",
     "client-ip", "x-cluster-client-ip", "fastly-client-ip", "x-azure-socketip"],
)  # fmt: skip
def test_header_that_tells_an_address_is_blank_when_addresses_are_masked(
    name: str, monitor: Setup, talk: Talk, record: Record
) -> None:
    watching = monitor(Response(""), client_ip="masked")
    talk(watching.app, headers=[(name.encode(), b"203.0.113.77"), (b"x-forwarded-host", b"a.b")])
    sent = record(watching)["request_headers"]
    assert (sent[name], sent["x-forwarded-host"]) == ("", "a.b")
