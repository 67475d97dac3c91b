"""The OpenAPI document that traffic is held against: from a file or a URL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from perfectcv_traffic.errors import StorageError, TargetError
from perfectcv_traffic.log.routes import of_openapi

if TYPE_CHECKING:
    from perfectcv_traffic.generate.openapi import Document

TIMEOUT = 30.0


def templates(source: str) -> list[str]:
    """Its path templates. Raises `TargetError` or `StorageError` if there is no such document."""
    return of_openapi(_document(source).root)


def operations(source: str) -> frozenset[tuple[str, str]]:
    """Method and path of every operation. Raises as `templates`."""
    from perfectcv_traffic.generate.operations import ANY_METHOD, parse_operations

    found, left_out = parse_operations(_document(source))
    return frozenset((one.method, one.path) for one in found) | frozenset(
        (one.method, one.path) for one in left_out if one.method != ANY_METHOD
    )


def _document(source: str) -> Document:
    from perfectcv_traffic.generate.openapi import parse_document

    return parse_document(_content(source), source)


def _content(source: str) -> bytes:
    if source.startswith(("http://", "https://")):
        return _fetched(source)
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise StorageError(
            f"{source} cannot be read ({error.strerror}): give an OpenAPI file"
        ) from error


def _fetched(url: str) -> bytes:
    import httpx

    try:
        answer = httpx.get(url, timeout=TIMEOUT, follow_redirects=True)
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        why = str(error) or type(error).__name__
        raise TargetError(
            f"{url} did not give an OpenAPI document ({why}): start the API, or give a file"
        ) from error
    return answer.content
