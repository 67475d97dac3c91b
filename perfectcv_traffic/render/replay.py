"""A recorded request as something to run again: curl, httpx, a test.

All of it was chosen by whoever sent the request, so none of it may reach a shell or Python but
quoted. What was redacted is not known any more, nor is the host of a request that an access log
told of: those are left as variables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from perfectcv_traffic.record import REQUEST_ID_HEADER, RUN_ID_HEADER, SCENARIO_HEADER
from perfectcv_traffic.shell import Variable, word

Request = Mapping[str, Any]

LEFT_OUT = frozenset(
    {
        "host", "content-length", "connection", "accept-encoding",
        "expect", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade",
        *(name.lower() for name in (REQUEST_ID_HEADER, RUN_ID_HEADER, SCENARIO_HEADER)),
    }
)  # fmt: skip
"""Headers of the client's own connection, and what would pass the new request off as the recorded
one. The dashboard leaves out the same."""

SECRETS = {
    "authorization": Variable("TOKEN"),
    "proxy-authorization": Variable("PROXY_TOKEN"),
    "cookie": Variable("COOKIE"),
    "x-api-key": Variable("API_KEY"),
}
HOST = Variable("BASE_URL")

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What a header may be called (RFC 9110, 5.6.2): curl takes others for files or switches."""
_KEPT = "%/?[]@!$&'()*+,;=:-._~\"<>\\^`{|}"
"""What a URL keeps as it was sent, allowed or not; all else is percent-encoded."""
_GLOBS = frozenset("[]{}")


class Header(NamedTuple):
    """A header to send; after its value comes what the variable holds, if it has one."""

    name: str
    value: bytes
    secret: Variable | None = None


class Address(NamedTuple):
    """A URL, which begins with what the variable holds if it has one."""

    base: Variable | None
    url: str


def curl(request: Request) -> str:
    """A shell command."""
    return " ".join(["curl", *_words(request)]) + "\n"


def httpx(request: Request) -> str:
    """A Python script."""
    return (
        f"import os\n\nimport httpx\n\nresponse = {_call(request)}\nprint(response.status_code)\n"
    )


def pytest(request: Request) -> str:
    """A test that expects the status that was recorded; where nothing was answered, an answer."""
    status = request["status_code"]
    is_as_expected = "< 500  # no answer was recorded" if status is None else f"== {status}"
    return (
        "import os\n\nimport httpx\n\n\ndef test_recorded_request() -> None:\n"
        f"    response = {_call(request)}\n\n"
        f"    assert response.status_code {is_as_expected}\n"
    )


FORMS: Mapping[str, Callable[[Request], str]] = {"curl": curl, "httpx": httpx, "pytest": pytest}


def _words(request: Request) -> Iterator[str]:
    method, body, (base, url) = _method(request), _body(request), _address(request)
    is_head = method == "HEAD"  # curl would wait for the body that no answer to HEAD has
    yield from ("--head",) if is_head else ("--request", word(method.encode()))
    if "/." in url:
        yield "--path-as-is"
    if _GLOBS.intersection(url):
        yield "--globoff"
    for header in _headers(request):
        yield from ("--header", _header_word(header))
    if body and not is_head:
        yield from ("--data-raw", word(body))
    yield word(*([base] if base else []), url.encode())


def _header_word(header: Header) -> str:
    name = header.name.encode()
    if header.secret:
        return word(name + b": " + header.value, header.secret)
    # `name;` is how curl sends a header with an empty value.
    return word(name + b": " + header.value if header.value else name + b";")


def _call(request: Request) -> str:
    headers = ", ".join(map(_item, _headers(request)))
    body = _body(request)
    base, url = _address(request)
    start = f"{_variable(base)} + " if base else ""
    content = f", content={body!r}" if body else ""
    return f"httpx.request({_method(request)!r}, {start}{url!r}, headers={{{headers}}}{content})"


def _item(header: Header) -> str:
    if header.secret:
        start = f"{header.value.decode('ascii')!r} + " if header.value else ""
        return f"{header.name!r}: {start}{_variable(header.secret)}"
    if header.value.isascii():
        return f"{header.name!r}: {header.value.decode('ascii')!r}"
    return f"{header.name.encode()!r}: {header.value!r}"  # httpx takes text for ASCII


def _variable(variable: Variable) -> str:
    return f"os.environ[{variable.name!r}]"


def _method(request: Request) -> str:
    return str(request["method"] or "GET")


def _body(request: Request) -> bytes:
    return str(request["request_body"] or "").encode()


def _headers(request: Request) -> Iterator[Header]:
    stored = request["request_headers"]
    found: dict[str, str] = json.loads(stored) if stored else {}
    scheme = str(request["token_scheme"] or "")
    for name, value in found.items():
        if name.lower() in SECRETS:
            is_told = name.endswith("authorization") and scheme.isalnum() and scheme.isascii()
            yield Header(
                name, f"{scheme.capitalize()} ".encode() if is_told else b"", SECRETS[name.lower()]
            )
        elif name not in LEFT_OUT and _NAME.fullmatch(name):
            yield Header(name, _octets(value))


def _octets(text: str) -> bytes:
    """A header's value as it was sent: the recorder reads each byte as a character."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8")


def _address(request: Request) -> Address:
    """Where to send it; access logs tell the request's target and no host."""
    url = str(request["url"] or "")
    if url.startswith(("http://", "https://")):
        return Address(None, quote(_octets(url), safe=_KEPT))
    if not url:
        query = request["query_params"]
        url = quote(str(request["path"]), safe="/:@!$&'()*+,;=~") + (f"?{query}" if query else "")
    return Address(HOST, quote(url if url.startswith("/") else f"/{url}", safe=_KEPT))
