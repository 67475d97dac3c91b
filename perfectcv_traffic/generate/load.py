"""Find and fetch the OpenAPI document of a target."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from perfectcv_traffic.errors import StorageError, TargetError
from perfectcv_traffic.generate.answer import Answer
from perfectcv_traffic.generate.openapi import Document, is_address, parse_document, quoted
from perfectcv_traffic.generate.setup_sender import Setup
from perfectcv_traffic.generate.target import Target
from perfectcv_traffic.generate.wire import NO_ADDRESS, NO_TLS, UNTRUSTED

DOCUMENT_PATHS: Final = ("/openapi.json", "/api/v1/openapi.json")

_OK = 200
_REDIRECTS: Final = range(300, 400)


def read_document(source: str) -> Document:
    """The document in a file. Raises `StorageError`, `DocumentError`."""
    try:
        return parse_document(Path(source).read_bytes(), source)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise StorageError(f"{source} cannot be read ({why}): give an OpenAPI file") from error


def fetched(answer: Answer, url: str) -> Document:
    """The document that a URL answered. Raises `TargetError`."""
    return parse_document(_content(answer, url), url)


async def load_document(setup: Setup, target: Target, source: str | None = None) -> Document:
    """The document at `source` (a URL or a file), else where the target is known to keep it."""
    if source is None:
        return await _discover(setup, target)
    return fetched(await setup.get(source), source) if is_address(source) else read_document(source)


async def _discover(setup: Setup, target: Target) -> Document:
    failures: list[TargetError] = []
    for path in DOCUMENT_PATHS:
        url = target.base + path
        answer = await setup.get(url)
        if answer.status is None:
            raise _unreachable(target.base, answer)
        try:
            return fetched(answer, url)
        except TargetError as error:
            # Some applications answer every unknown path with their start page.
            failures.append(error)
    raise failures[0]


def _content(answer: Answer, url: str) -> bytes:
    if answer.status is None:
        raise _unreachable(url, answer)
    leads_to = answer.headers.get("location", "").partition("?")[0]  # what follows may be secret
    if answer.status in _REDIRECTS and leads_to and "@" not in leads_to:
        raise TargetError(
            f"{url} answered {answer.status}, a redirect to {quoted(leads_to)}, and none is"
            " followed: give the address that answers itself"
        )
    if answer.status != _OK:
        raise TargetError(
            f"{url} answered {answer.status}: give the file or address of the OpenAPI document"
        )
    if not answer.is_whole:
        raise TargetError(f"{url} did not answer whole ({answer.error or 'too large'}): try again")
    return answer.body


_ADVICE: Final = {
    NO_ADDRESS: "check the host name",
    NO_TLS: "write http://",
    UNTRUSTED: "check its host name and dates, or name one to trust in SSL_CERT_FILE",
}


def _unreachable(address: str, answer: Answer) -> TargetError:
    advice = _ADVICE.get(answer.error or "", "start the API or give its address")
    return TargetError(f"{address} did not answer ({answer.error}): {advice}")
